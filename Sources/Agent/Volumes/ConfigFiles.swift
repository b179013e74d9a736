import Glibc
import Shared

/// The files that a config map, a secret or a field of the pod becomes. Pure. Source: Kubernetes volume plugins
/// `configmap`, `secret`, `downwardapi`, `projected`.
enum ConfigFiles {
    /// - Parameters:
    ///   - kind: `configmap` or `secret`.
    ///   - object: nil when there is none.
    ///   - items: `key`, `path`, `mode`; empty takes all keys.
    static func files(kind: String, name: String, object: JSON?, items: JSON, optional: Bool, mode: mode_t)
        throws(ConfigError) -> [String: VolumeFile]
    {
        guard let object else {
            if optional { return [:] }
            throw ConfigError("\(kind) \"\(name)\" not found")
        }
        var all: [String: [UInt8]] = [:]
        for (key, value) in object["data"].members {
            guard let text = value.string else { continue }
            all[key] = kind == "secret" ? Base64.decode(text) ?? [] : Array(text.utf8)
        }
        for (key, value) in object["binaryData"].members { all[key] = value.string.flatMap { Base64.decode($0) } ?? [] }
        if items.items.isEmpty {
            return all.filter { isSafe($0.key) }.mapValues { VolumeFile(bytes: $0, mode: mode) }
        }
        var files: [String: VolumeFile] = [:]
        for item in items.items {
            let key = item["key"].string ?? ""
            guard let bytes = all[key] else {
                if optional { continue }
                throw ConfigError(
                    kind == "secret"
                        ? "references non-existent secret key: \(key)"
                        : "configmap references non-existent config key: \(key)")
            }
            let path = item["path"].string ?? ""
            guard isSafe(path) else { throw ConfigError("the path \"\(path)\" leads out of the volume") }
            files[path] = VolumeFile(bytes: bytes, mode: self.mode(item["mode"]) ?? mode)
        }
        return files
    }

    /// `downwardAPI` items.
    static func downward(_ items: JSON, _ source: EnvironmentSource, mode: mode_t) throws(ConfigError)
        -> [String: VolumeFile]
    {
        var files: [String: VolumeFile] = [:]
        for item in items.items {
            let path = item["path"].string ?? ""
            guard isSafe(path) else { throw ConfigError("the path \"\(path)\" leads out of the volume") }
            var text = ""
            if let field = item["fieldRef"]["fieldPath"].string {
                guard let value = DownwardValue.field(field, source) else {
                    throw ConfigError("unsupported fieldPath: \(field)")
                }
                text = value
            } else if item["resourceFieldRef"].object != nil {
                text = try DownwardValue.resource(item["resourceFieldRef"], Container([:]), source)
            }
            files[path] = VolumeFile(bytes: Array(text.utf8), mode: self.mode(item["mode"]) ?? mode)
        }
        return files
    }

    static func mode(_ json: JSON) -> mode_t? {
        json.int.flatMap { (0...0o777).contains($0) ? mode_t($0) : nil }
    }

    /// Relative, inside, and not one of the writer's own names.
    static func isSafe(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !path.isEmpty && !path.utf8.contains(0) && path.utf8.count <= 1024
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." } && !path.hasPrefix("..")
    }
}
