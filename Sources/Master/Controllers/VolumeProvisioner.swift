import Shared

/// Makes volumes that are folders on the nodes, and lets claims grow. The agent of the node makes the folder when a pod
/// first mounts it, and removes it when the volume is given up.
struct VolumeProvisioner: Reconciler {
    let client: Client
    let caches: Caches
    let recorder: Recorder

    /// - Parameter key: a claim, or a volume.
    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        if key.resource == PersistentVolume.type.resource { return try await clean(key) }
        guard let claim = caches.claims.get(namespace: key.namespace, name: key.name), !claim.metadata.isDeleting,
            let storageClass = claim.storageClass.flatMap({ caches.storageClasses.get(name: $0) }),
            storageClass.provisioner == StorageClass.directories
        else { return .settled }
        if claim.isBindCompleted {
            try await expand(claim, storageClass)
        } else if claim.volumeName.isEmpty {
            try await provision(claim, storageClass)
        }
        return .settled
    }

    private func provision(_ claim: PersistentVolumeClaim, _ storageClass: StorageClass) async throws {
        let name = "pvc-\(claim.metadata.uid)"
        guard caches.volumes.get(name: name) == nil else { return }
        let isSetAside = caches.volumes.list().contains { $0.claim?.names(claim) ?? false }
        if isSetAside { return }
        if claim.accessModes.contains("ReadWriteMany") || claim.volumeMode == "Block" {
            let wish = claim.volumeMode == "Block" ? "volume mode Block" : "access mode ReadWriteMany"
            return fail(
                claim, "a folder of one node cannot have \(wish); use ReadWriteOnce and Filesystem or another class")
        }
        let node: Node?
        if let chosen = claim.selectedNode {
            node = caches.nodes.get(name: chosen)
        } else if storageClass.waitsForConsumer {
            return
        } else {
            node = emptiest()
        }
        guard let node else {
            fail(claim, "there is no node to make the volume on; wait until one is ready")
            return try await giveBack(claim)
        }
        recorder.event(
            claim, .normal, "Provisioning",
            "External provisioner is provisioning volume for claim \"\(claim.namespace)/\(claim.name)\"")
        do {
            _ = try await client.create(VolumeProvisioner.volume(named: name, for: claim, storageClass, on: node))
        } catch let status as Status where status.reason == .alreadyExists { return } catch {
            fail(claim, "failed to provision volume with StorageClass \"\(storageClass.name)\": \(error)")
            throw error
        }
        recorder.event(claim, .normal, "ProvisioningSucceeded", "Successfully provisioned volume \(name)")
    }

    /// Lets the scheduler choose another node for the claim's pod.
    private func giveBack(_ claim: PersistentVolumeClaim) async throws {
        guard claim.selectedNode != nil else { return }
        do {
            _ = try await client.patch(
                PersistentVolumeClaim.self, namespace: claim.namespace, name: claim.name, .merge,
                [
                    "metadata": [
                        "uid": .string(claim.metadata.uid), "annotations": ["volume.kubernetes.io/selected-node": nil],
                    ]
                ])
        } catch let status as Status where status.reason == .notFound {}
    }

    private func fail(_ claim: PersistentVolumeClaim, _ message: String) {
        recorder.event(claim, .warning, "ProvisioningFailed", message)
    }

    /// The ready node with the fewest volumes.
    private func emptiest() -> Node? {
        let counts = caches.volumes.list().reduce(into: [String: Int]()) { counts, volume in
            if let node = volume.directoryNode { counts[node, default: 0] += 1 }
        }
        return caches.nodes.list().filter { $0.isReady && !$0.isUnschedulable }
            .min { (counts[$0.name] ?? 0, $0.name) < (counts[$1.name] ?? 0, $1.name) }
    }

    /// A folder of the node, for the claim.
    static func volume(
        named name: String, for claim: PersistentVolumeClaim, _ storageClass: StorageClass, on node: Node
    ) -> PersistentVolume {
        var volume = PersistentVolume(name: name)
        volume.metadata.annotations = [PersistentVolume.provisioner: StorageClass.directories]
        if storageClass.reclaimPolicy == "Delete" { volume.metadata.finalizers = [PersistentVolume.directoryFinalizer] }
        let hostname = node.metadata.labels["kubernetes.io/hostname"] ?? node.name
        volume.json["spec"] = [
            "capacity": ["storage": claim.json.at("spec", "resources", "requests", "storage")],
            "accessModes": JSON(claim.accessModes),
            "persistentVolumeReclaimPolicy": .string(storageClass.reclaimPolicy),
            "storageClassName": .string(storageClass.name), "volumeMode": "Filesystem",
            "csi": [
                "driver": .string(PersistentVolume.directoryDriver), "volumeHandle": .string(name),
                "volumeAttributes": ["node": .string(node.name)],
            ],
            "nodeAffinity": [
                "required": [
                    "nodeSelectorTerms": [
                        [
                            "matchExpressions": [
                                [
                                    "key": "kubernetes.io/hostname", "operator": "In",
                                    "values": [.string(hostname)],
                                ]
                            ]
                        ]
                    ]
                ]
            ],
            "claimRef": ClaimReference(claim).json,
        ]
        return volume
    }

    // MARK: Growth

    /// A folder has no size of its own: the claim gets what it asks for at once.
    private func expand(_ claim: PersistentVolumeClaim, _ storageClass: StorageClass) async throws {
        guard storageClass.allowsExpansion, let wanted = claim.request,
            var volume = caches.volumes.get(name: claim.volumeName), volume.claim?.uid == claim.metadata.uid
        else { return }
        let size = claim.json.at("spec", "resources", "requests", "storage")
        if wanted > volume.capacity ?? Quantity(0) {
            volume.json["spec"]["capacity"]["storage"] = size
            volume = try await client.update(volume)
        }
        guard let present = claim.capacity, present < wanted else { return }
        var update = claim
        update.json["status"]["capacity"]["storage"] = size
        _ = try await client.updateStatus(update)
        recorder.event(
            claim, .normal, "VolumeResizeSuccessful", "Resize volume succeeded: \(present) → \(wanted)")
    }

    // MARK: The end

    /// Lets a volume go whose node does not exist any more: nobody else can.
    private func clean(_ key: ObjectKey) async throws -> Outcome {
        guard let volume = caches.volumes.get(name: key.name), volume.isDirectory, volume.isGivenUp,
            let node = volume.directoryNode, caches.nodes.get(name: node) == nil
        else { return .settled }
        do {
            _ = try await client.get(Node.self, name: node)
            return .settled
        } catch let status as Status where status.reason == .notFound {}
        var update = volume
        update.metadata.finalizers = volume.metadata.finalizers.filter { $0 != PersistentVolume.directoryFinalizer }
        do {
            if update != volume { _ = try await client.update(update) }
            if !volume.metadata.isDeleting {
                try await client.delete(PersistentVolume.self, name: volume.name, uid: volume.metadata.uid)
            }
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }
}
