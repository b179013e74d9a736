import Glibc
import Shared

extension Volumes {
    /// What a container mounts. Paths of `subPath` stay inside their volume.
    func mounts(_ container: Container, _ pod: Pod, _ variables: [String: String]) throws(ConfigError)
        -> [ContainerMount]
    {
        var mounts: [ContainerMount] = []
        for entry in container.json["volumeMounts"].items {
            let name = entry["name"].string ?? ""
            guard let volume = pod.spec.volumes.first(where: { $0["name"].string == name }) else {
                throw ConfigError("volume \"\(name)\" of the container is not in the pod")
            }
            var source = volume["hostPath"]["path"].string ?? path(pod.metadata.uid, name)
            // A claim's folder is behind a link; mounts are made of the folder itself.
            if let folder = Files.linkText(source) { source = folder }
            var sub = entry["subPath"].string ?? ""
            if let expression = entry["subPathExpr"].string, !expression.isEmpty {
                sub = Expansion.expand(expression, variables)
                if sub.contains("$(") { throw ConfigError("failed to expand subPathExpr: \(expression)") }
            }
            if !sub.isEmpty {
                guard !sub.hasPrefix("/"), !sub.split(separator: "/").contains("..") else {
                    throw ConfigError("subPath \"\(sub)\" must not contain '..'")
                }
                source = try inside(source, sub, makes: !Self.follows(volume))
            }
            let propagation = entry["mountPropagation"].string.flatMap(ContainerMount.Propagation.init) ?? .none
            mounts.append(
                ContainerMount(
                    source: .host(path: source), path: entry["mountPath"].string ?? "/",
                    readOnly: (entry["readOnly"].bool ?? false) || isReadOnly(volume, pod), propagation: propagation))
        }
        return mounts
    }

    /// The real path below a volume; a link that leads out of it is refused.
    private func inside(_ root: String, _ sub: String, makes: Bool) throws(ConfigError) -> String {
        let path = root + "/" + sub
        if makes, !Files.exists(path) {
            do { try Files.makeFolder(path) } catch { throw ConfigError("subPath \(sub) can not be made: \(error)") }
        }
        guard let real = Self.real(path), let top = Self.real(root) else {
            throw ConfigError("subPath \"\(sub)\" does not exist in the volume")
        }
        guard real == top || real.hasPrefix(top + "/") else {
            throw ConfigError("subPath \"\(sub)\" leads out of the volume")
        }
        return real
    }

    private static func real(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }
}
