import Glibc
import Shared

/// Finds the folders behind claims, and keeps those that are volumes of this node below `STATE/claims`.
struct Claims: Sendable {
    /// The folder, and whether nobody may write to it.
    struct Place: Equatable, Sendable {
        let path: String
        let readOnly: Bool
    }
    let folder: String
    let client: Client
    let nodeName: String

    /// - Throws: a sentence that says why the claim cannot be mounted now.
    func place(_ name: String, readOnly: Bool, for pod: Pod) async throws -> Place {
        guard let json = try await client.found(PersistentVolumeClaim.self, namespace: pod.namespace, name: name)
        else { throw ConfigError("persistentvolumeclaim \"\(name)\" not found") }
        let claim = PersistentVolumeClaim(json)
        var volume: PersistentVolume?
        if !claim.volumeName.isEmpty {
            volume = try await client.found(PersistentVolume.self, name: claim.volumeName).map { PersistentVolume($0) }
        }
        if let problem = ClaimAccess.problem(claim, volume) { throw ConfigError(problem) }
        guard let volume else { throw ConfigError("persistentvolumeclaim \"\(name)\" has no volume") }
        let others = try await client.list(Pod.self, namespace: pod.namespace).items
            .filter { $0.metadata.uid != pod.metadata.uid }
        switch ClaimAccess(claim, volume, node: nodeName, others: others, wantsReadOnly: readOnly) {
        case .refused(let why): throw ConfigError(why)
        case .granted(let readOnly):
            return Place(path: try path(of: volume, pod), readOnly: readOnly)
        }
    }

    private func path(of volume: PersistentVolume, _ pod: Pod) throws(ConfigError) -> String {
        let spec = volume.json["spec"]
        if spec["hostPath"].object != nil { return try HostPath.check(spec["hostPath"]) }
        if let path = spec["local"]["path"].string {
            guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                throw ConfigError("local path \"\(path)\" is not an absolute path without \"..\"")
            }
            var info = stat()
            guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
                throw ConfigError("path \"\(path)\" does not exist")
            }
            return path
        }
        if volume.isDirectory { return try directory(volume, pod) }
        let kind = spec.members.keys.first { Claims.sources.contains($0) } ?? "unknown"
        throw ConfigError(
            "volume \"\(volume.name)\" is of type \"\(kind)\", which this agent can not mount; use hostPath, local or the class \"directory\""
        )
    }

    /// The folder of a volume of this node; made when it is missing.
    private func directory(_ volume: PersistentVolume, _ pod: Pod) throws(ConfigError) -> String {
        let csi = volume.json.at("spec", "csi")
        let handle = csi["volumeHandle"].string ?? ""
        guard Names.isDNSSubdomain(handle) else { throw ConfigError("the volume handle \"\(handle)\" is not a name") }
        let home = csi.at("volumeAttributes", "node").string ?? nodeName
        guard home == nodeName else {
            throw ConfigError("volume \"\(volume.name)\" is a folder of node \(home) and can not be had on \(nodeName)")
        }
        let path = "\(folder)/\(handle)"
        guard !Files.isFolder(path) else { return path }
        do throws(Errno) {
            try Files.makeFolder(folder, mode: 0o711)
            try Files.makeFolder(path, mode: 0o777)
        } catch { throw ConfigError("the folder \(path) can not be made: \(error)") }
        // Whoever runs in the pod may write, as in other provisioners of folders.
        chmod(path, 0o777)
        if let group = pod.spec.json["securityContext"]["fsGroup"].int.flatMap({ gid_t(exactly: $0) }) {
            chown(path, uid_t.max, group)
        }
        return path
    }

    private static let sources: Set<String> = [
        "nfs", "csi", "iscsi", "fc", "rbd", "cephfs", "glusterfs", "awsElasticBlockStore", "gcePersistentDisk",
        "azureDisk", "azureFile", "cinder", "vsphereVolume", "portworxVolume", "storageos", "flexVolume", "flocker",
        "quobyte", "scaleIO", "photonPersistentDisk",
    ]
}

/// Removes the folders of volumes that were given up, and lets the volumes go. Keys are volumes.
struct ClaimRemoval: Reconciler {
    let claims: Claims
    let volumes: Informer<PersistentVolume>

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let volume = volumes.get(name: key.name), volume.isGivenUp(on: claims.nodeName) else {
            return .settled
        }
        // The cache may lag: data is removed on the server's word only.
        guard let json = try await claims.client.found(PersistentVolume.self, name: key.name) else { return .settled }
        var live = PersistentVolume(json)
        guard live.metadata.uid == volume.metadata.uid, live.isGivenUp(on: claims.nodeName) else {
            return .settled
        }
        let handle = live.json.at("spec", "csi", "volumeHandle").string ?? ""
        if Names.isDNSSubdomain(handle) { Files.removeAll("\(claims.folder)/\(handle)") }
        let finalizers = live.metadata.finalizers
        if finalizers.contains(PersistentVolume.directoryFinalizer) {
            live.metadata.finalizers = finalizers.filter { $0 != PersistentVolume.directoryFinalizer }
            live = try await claims.client.update(live)
        }
        if !live.metadata.isDeleting {
            do {
                try await claims.client.delete(PersistentVolume.self, name: live.name, uid: live.metadata.uid)
            } catch let status as Status where status.reason == .notFound {}
        }
        return .settled
    }
}
