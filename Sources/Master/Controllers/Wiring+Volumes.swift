import Shared

/// Storage.
extension Wiring {
    mutating func addVolumes(_ client: (String) -> Client) {
        addBinder(client)
        addProvisioner(client)
        addExpansion(client)
        addProtection(client)
        addEphemeral(client)
    }

    private mutating func addBinder(_ client: (String) -> Client) {
        let name = "persistent-volume-binder"
        let identity = client(name)
        let queue = queue(name)
        let (claims, volumes) = (caches.claims, caches.volumes)
        claims.wake(queue)
        volumes.wake(queue)
        claims.add { change in
            let claim = change.object
            if !claim.volumeName.isEmpty {
                queue.add(ObjectKey(PersistentVolume.type.resource, name: claim.volumeName))
            }
            guard case .removed = change else { return }
            for volume in volumes.list() where volume.claim?.names(claim) ?? false { queue.add(volume.key) }
        }
        // A volume that is free or set aside may be what a claim waits for; a bound one concerns its claim.
        volumes.add { change in
            let volume = change.object
            if let claim = volume.claim { queue.add(claim.key) }
            for claim in claims.list() where !claim.isBindCompleted || claim.volumeName == volume.name {
                queue.add(claim.key)
            }
        }
        caches.storageClasses.add { change in
            for claim in claims.list() where !claim.isBindCompleted && claim.storageClass == change.object.name {
                queue.add(claim.key)
            }
        }
        run(
            name,
            VolumeBinder(
                client: identity, caches: caches, recorder: recorder(identity, "persistentvolume-controller"),
                queue: queue), queue)
    }

    private mutating func addProvisioner(_ client: (String) -> Client) {
        let name = "directory-provisioner"
        let identity = client(name)
        let queue = queue(name)
        let (claims, volumes) = (caches.claims, caches.volumes)
        claims.wake(queue)
        volumes.wake(queue)
        caches.nodes.add { change in
            if case .removed = change {
                for volume in volumes.list() where volume.isDirectory { queue.add(volume.key) }
            }
            if case .added = change { for claim in claims.list() where !claim.isBindCompleted { queue.add(claim.key) } }
        }
        caches.storageClasses.add { change in
            for claim in claims.list() where !claim.isBindCompleted && claim.storageClass == change.object.name {
                queue.add(claim.key)
            }
        }
        run(
            name,
            VolumeProvisioner(
                client: identity, caches: caches, recorder: recorder(identity, StorageClass.directories)), queue)
    }

    private mutating func addExpansion(_ client: (String) -> Client) {
        let name = "expand-controller"
        let queue = queue(name)
        caches.claims.add { change in
            guard case .updated(let old, let new) = change, VolumeExpansion.isGrowth(old, new) else { return }
            queue.add(new.key)
        }
        run(
            name,
            VolumeExpansion(
                claims: caches.claims, volumes: caches.volumes, recorder: recorder(client(name), "volume_expand")),
            queue)
    }

    private mutating func addProtection(_ client: (String) -> Client) {
        let claimName = "pvc-protection-controller"
        let claimClient = client(claimName)
        let claimQueue = queue(claimName)
        let pods = caches.pods
        caches.claims.wake(claimQueue)
        pods.add { change in
            guard case .removed(let pod) = change else { return }
            for claim in pod.claimNames {
                claimQueue.add(
                    ObjectKey(PersistentVolumeClaim.type.resource, namespace: pod.namespace, name: claim))
            }
        }
        run(
            claimName,
            VolumeProtection(
                client: claimClient, objects: caches.claims, finalizer: "kubernetes.io/pvc-protection"
            ) { claim in
                let isHeld = { @Sendable (pod: Pod) in pod.holds(claim: claim.name) }
                if pods.list(index: PodIndex.namespace, claim.namespace).contains(where: isHeld) { return true }
                // The cache may lag: the word of the server counts.
                return try await claimClient.list(Pod.self, namespace: claim.namespace).items.contains(where: isHeld)
            }, claimQueue)
        let volumeName = "pv-protection-controller"
        let volumeQueue = queue(volumeName)
        caches.volumes.wake(volumeQueue)
        run(
            volumeName,
            VolumeProtection(
                client: client(volumeName), objects: caches.volumes, finalizer: "kubernetes.io/pv-protection"
            ) { $0.phase == "Bound" }, volumeQueue)
    }

    private mutating func addEphemeral(_ client: (String) -> Client) {
        let name = "ephemeral-volume-controller"
        let identity = client(name)
        let queue = queue(name)
        caches.pods.add { change in
            guard case .added(let pod) = change, !EphemeralClaims.wanted(pod).isEmpty else { return }
            queue.add(pod.key)
        }
        run(
            name,
            EphemeralClaims(
                client: identity, pods: caches.pods, claims: caches.claims, recorder: recorder(identity, name)), queue)
    }
}
