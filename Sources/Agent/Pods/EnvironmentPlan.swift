import Shared

/// The variables of a container. Pure. Source: kubelet `makeEnvironmentVariables`.
struct EnvironmentPlan: Sendable {
    private(set) var variables: [(name: String, value: String)] = []
    /// Keys of `envFrom` that are no names of variables, by object; for an event.
    private(set) var skipped: [(kind: String, name: String, keys: [String])] = []

    init(_ container: Container, _ source: EnvironmentSource) throws(ConfigError) {
        var known: [String: String] = [:]
        var order: [String] = []
        func set(_ name: String, _ value: String) {
            guard order.count < Limits.environmentMax || known[name] != nil else { return }
            if known.updateValue(value, forKey: name) == nil { order.append(name) }
        }
        for (name, value) in source.services { set(name, value) }
        for entry in container.json["envFrom"].items {
            let prefix = entry["prefix"].string ?? ""
            let (kind, reference) =
                entry["configMapRef"].object != nil
                ? ("configMap", entry["configMapRef"]) : ("secret", entry["secretRef"])
            let name = reference["name"].string ?? ""
            let object = (kind == "configMap" ? source.configMaps : source.secrets)[name] ?? nil
            guard let object else {
                if reference["optional"].bool == true { continue }
                throw ConfigError("\(kind.lowercased()) \"\(name)\" not found")
            }
            var bad: [String] = []
            for (key, value) in object["data"].members.sorted() {
                guard let text = kind == "secret" ? Self.decoded(value) : value.string else { continue }
                guard Self.isName(prefix + key) else {
                    bad.append(prefix + key)
                    continue
                }
                set(prefix + key, text)
            }
            if !bad.isEmpty { skipped.append((kind, name, bad)) }
        }
        for entry in container.json["env"].items {
            guard let name = entry["name"].string, !name.isEmpty else { continue }
            if entry["valueFrom"].object != nil {
                guard let value = try Self.value(entry["valueFrom"], container, source) else { continue }
                set(name, value)
            } else {
                set(name, Expansion.expand(entry["value"].string ?? "", known))
            }
        }
        variables = order.map { ($0, known[$0] ?? "") }
    }

    var texts: [String] { variables.map { "\($0.name)=\($0.value)" } }
    var table: [String: String] { Dictionary(variables.map { ($0.name, $0.value) }) { _, last in last } }

    /// Names of config maps and secrets that the container's variables need.
    static func references(_ container: Container) -> (configMaps: Set<String>, secrets: Set<String>) {
        var configMaps: Set<String> = []
        var secrets: Set<String> = []
        for entry in container.json["envFrom"].items {
            if let name = entry["configMapRef"]["name"].string { configMaps.insert(name) }
            if let name = entry["secretRef"]["name"].string { secrets.insert(name) }
        }
        for entry in container.json["env"].items {
            if let name = entry["valueFrom"]["configMapKeyRef"]["name"].string { configMaps.insert(name) }
            if let name = entry["valueFrom"]["secretKeyRef"]["name"].string { secrets.insert(name) }
        }
        return (configMaps, secrets)
    }

    private static func value(_ from: JSON, _ container: Container, _ source: EnvironmentSource) throws(ConfigError)
        -> String?
    {
        let namespace = source.pod.namespace
        for (member, kind) in [("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")] {
            let reference = from[member]
            guard reference.object != nil else { continue }
            let name = reference["name"].string ?? ""
            let key = reference["key"].string ?? ""
            let isOptional = reference["optional"].bool ?? false
            let object = (kind == "configmap" ? source.configMaps : source.secrets)[name] ?? nil
            guard let object else {
                if isOptional { return nil }
                throw ConfigError("\(kind) \"\(name)\" not found")
            }
            let value = object["data"][key]
            if let text = kind == "secret" ? decoded(value) : value.string { return text }
            if isOptional { return nil }
            let label = kind == "secret" ? "Secret" : "ConfigMap"
            throw ConfigError("couldn't find key \(key) in \(label) \(namespace)/\(name)")
        }
        if from["fieldRef"].object != nil {
            let path = from["fieldRef"]["fieldPath"].string ?? ""
            guard let value = DownwardValue.field(path, source) else {
                throw ConfigError("unsupported fieldPath: \(path)")
            }
            return value
        }
        if from["resourceFieldRef"].object != nil {
            return try DownwardValue.resource(from["resourceFieldRef"], container, source)
        }
        return nil
    }

    private static func decoded(_ value: JSON) -> String? {
        value.string.flatMap { Base64.decode($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether a key of `envFrom` can be a variable: a C identifier with dots and dashes. Names in `env` may be any
    /// printable text without `=`. Source: KEP-4369.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
                || $0 == 0x2D || $0 == 0x2E
        }
    }
}
