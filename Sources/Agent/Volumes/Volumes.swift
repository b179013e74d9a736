import Glibc
import Shared

/// Makes the volumes of a pod below `STATE/volumes/UID`, keeps those that follow API objects up to date, and removes them.
struct Volumes: Sendable {
    let folder: String
    let client: Client
    let tokens: ServiceAccountTokens
    let claims: Claims
    let clock: any WallClock

    func path(_ uid: String, _ name: String) -> String { "\(folder)/\(uid)/\(name)" }

    /// Makes what is missing and renews what has changed. May be repeated.
    /// - Throws: `MountFailure` naming the volume.
    func prepare(_ pod: Pod, _ source: EnvironmentSource) async throws {
        do throws(Errno) {
            try Files.makeFolder(folder, mode: 0o700)
            try Files.makeFolder("\(folder)/\(pod.metadata.uid)", mode: 0o700)
        } catch {
            throw MountFailure(volume: "", message: "the folder \(folder) can not be made: \(error)")
        }
        for volume in pod.spec.volumes {
            let name = volume["name"].string ?? ""
            guard Names.isDNSLabel(name) else { continue }
            do {
                try await prepare(volume, name, pod, source)
            } catch {
                throw MountFailure(volume: name, message: "\(error)")
            }
        }
    }

    /// Brings new values into volumes that exist.
    func refresh(_ pod: Pod, _ source: EnvironmentSource) async throws {
        for volume in pod.spec.volumes where Self.follows(volume) {
            let name = volume["name"].string ?? ""
            do { try await prepare(volume, name, pod, source) } catch {
                throw MountFailure(volume: name, message: "\(error)")
            }
        }
    }

    /// Whether the volume's files change with the API.
    static func follows(_ volume: JSON) -> Bool {
        ["configMap", "secret", "downwardAPI", "projected"].contains { volume[$0].object != nil }
    }

    func exists(_ pod: Pod) -> Bool {
        pod.spec.volumes.allSatisfy { volume in
            let name = volume["name"].string ?? ""
            if volume["hostPath"].object != nil { return true }
            let path = path(pod.metadata.uid, name)
            return Self.claimName(volume, pod) == nil ? Files.isFolder(path) : Files.exists(path)
        } && Files.isFolder("\(folder)/\(pod.metadata.uid)")
    }

    func remove(_ uid: String) {
        guard ShimRuntime.isSafeName(uid) else { return }
        let root = "\(folder)/\(uid)"
        for name in Files.names(root) where MemoryFolder.isMounted("\(root)/\(name)") {
            MemoryFolder.unmount("\(root)/\(name)")
        }
        Files.removeAll(root)
        tokens.forget(uid)
    }

    /// Pods that have volumes here.
    func owners() -> [String] { Files.names(folder) }

    // MARK: One volume

    private func prepare(_ volume: JSON, _ name: String, _ pod: Pod, _ source: EnvironmentSource) async throws {
        let target = path(pod.metadata.uid, name)
        let group = pod.spec.json["securityContext"]["fsGroup"].int.flatMap { gid_t(exactly: $0) }
        if volume["emptyDir"].object != nil {
            if !Files.isFolder(target) { try EmptyDir.make(volume["emptyDir"], at: target, group: group) }
        } else if volume["hostPath"].object != nil {
            _ = try HostPath.check(volume["hostPath"])
        } else if Self.follows(volume) {
            let files = try await files(volume, pod, source)
            try Files.makeFolder(target)
            if volume["configMap"].object == nil, volume["downwardAPI"].object == nil {
                _ = MemoryFolder.mount(target, bytes: nil, mode: "755")
            }
            let version = String(UInt64(bitPattern: clock.now().nanoseconds), radix: 16)
            _ = try AtomicFolder(path: target, group: group).write(files, version: version)
        } else if let claim = Self.claimName(volume, pod) {
            let place = try await claims.place(
                claim, readOnly: volume["persistentVolumeClaim"]["readOnly"].bool ?? false, for: pod)
            try link(place, at: target)
        } else {
            let kind = volume.members.keys.first { $0 != "name" } ?? "none"
            throw ConfigError(
                "volumes of type \"\(kind)\" are not supported; use emptyDir, hostPath, configMap, secret, downwardAPI, projected or persistentVolumeClaim"
            )
        }
    }

    /// The claim that the volume stands for; one of its own for an ephemeral volume. Nil for other volumes.
    static func claimName(_ volume: JSON, _ pod: Pod) -> String? {
        if let name = volume["persistentVolumeClaim"]["claimName"].string { return name }
        return volume["ephemeral"].object == nil ? nil : volume["name"].string.map { "\(pod.name)-\($0)" }
    }

    /// A link to the claim's folder, and a mark when nobody may write. Both survive the agent.
    private func link(_ place: Claims.Place, at target: String) throws {
        if Files.linkText(target) != place.path {
            unlink(target)
            guard symlink(place.path, target) == 0 else {
                throw ConfigError("the folder \(place.path) can not be linked: \(Errno.last)")
            }
        }
        if place.readOnly {
            try Files.replace(Self.mark(target), [])
        } else {
            unlink(Self.mark(target))
        }
    }

    private static func mark(_ target: String) -> String { target + ".readonly" }

    /// Whether nobody may write to the volume, whatever a container asks for.
    func isReadOnly(_ volume: JSON, _ pod: Pod) -> Bool {
        Self.follows(volume)
            || Files.exists(Self.mark(path(pod.metadata.uid, volume["name"].string ?? "")))
    }

    private func files(_ volume: JSON, _ pod: Pod, _ source: EnvironmentSource) async throws -> [String: VolumeFile] {
        if volume["configMap"].object != nil {
            return try await objectFiles("configmap", volume["configMap"], pod, name: volume["configMap"]["name"])
        }
        if volume["secret"].object != nil {
            return try await objectFiles("secret", volume["secret"], pod, name: volume["secret"]["secretName"])
        }
        if volume["downwardAPI"].object != nil {
            let downward = volume["downwardAPI"]
            return try ConfigFiles.downward(
                downward["items"], source, mode: ConfigFiles.mode(downward["defaultMode"]) ?? 0o644)
        }
        let projected = volume["projected"]
        let mode = ConfigFiles.mode(projected["defaultMode"]) ?? 0o644
        var all: [String: VolumeFile] = [:]
        for part in projected["sources"].items {
            var files: [String: VolumeFile] = [:]
            if part["configMap"].object != nil {
                files = try await objectFiles(
                    "configmap", part["configMap"], pod, name: part["configMap"]["name"], mode)
            } else if part["secret"].object != nil {
                files = try await objectFiles("secret", part["secret"], pod, name: part["secret"]["name"], mode)
            } else if part["downwardAPI"].object != nil {
                files = try ConfigFiles.downward(part["downwardAPI"]["items"], source, mode: mode)
            } else if part["serviceAccountToken"].object != nil {
                let wish = part["serviceAccountToken"]
                let path = wish["path"].string ?? "token"
                guard ConfigFiles.isSafe(path) else {
                    throw ConfigError("the path \"\(path)\" leads out of the volume")
                }
                let token = try await tokens.token(
                    for: pod, audience: wish["audience"].string ?? "", seconds: wish["expirationSeconds"].int ?? 3600)
                files[path] = VolumeFile(bytes: Array(token.utf8), mode: mode)
            }
            all.merge(files) { _, last in last }
        }
        return all
    }

    private func objectFiles(_ kind: String, _ source: JSON, _ pod: Pod, name: JSON, _ mode: mode_t? = nil) async throws
        -> [String: VolumeFile]
    {
        let name = name.string ?? ""
        let object =
            kind == "secret"
            ? try await client.found(Secret.self, namespace: pod.namespace, name: name)
            : try await client.found(ConfigMap.self, namespace: pod.namespace, name: name)
        return try ConfigFiles.files(
            kind: kind, name: name, object: object, items: source["items"], optional: source["optional"].bool ?? false,
            mode: mode ?? ConfigFiles.mode(source["defaultMode"]) ?? 0o644)
    }
}

/// Why a volume can not be made.
struct MountFailure: Error, Equatable, Sendable, CustomStringConvertible {
    let volume: String
    let message: String
    /// As the kubelet's event `FailedMount` says it.
    var description: String { "MountVolume.SetUp failed for volume \"\(volume)\" : \(message)" }
}

extension Client {
    /// The object, or nil when there is none.
    func found<K: Kind>(_ kind: K.Type, namespace: String = "", name: String) async throws -> JSON? {
        do { return try await get(kind, namespace: namespace, name: name).json } catch let status as Status
            where status.reason == .notFound
        { return nil }
    }
}
