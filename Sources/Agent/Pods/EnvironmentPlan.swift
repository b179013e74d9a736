import Shared

/// What a container's variables may refer to.
struct EnvironmentSource: Sendable {
    let pod: Pod
    let nodeName: String
    let hostAddress: String
    let podAddress: String
    /// Of the node, for limits that the container does not set.
    let nodeCPUMillis: Int
    let nodeMemory: Int
    /// Objects that the variables name, fetched before; nil means that there is none.
    var configMaps: [String: JSON?] = [:]
    var secrets: [String: JSON?] = [:]
    /// Variables of services come first and may be replaced.
    var services: [(name: String, value: String)] = []
}

/// Why a container can not be configured: reason `CreateContainerConfigError`.
struct ConfigError: Error, Equatable, Sendable, CustomStringConvertible {
    let message: String
    init(_ message: String) { self.message = message }
    var description: String { message }
}

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

    /// Printable ASCII without `=`. Source: KEP-4369, the rule since Kubernetes 1.30 for `env`; `envFrom` keeps the
    /// older rule of C identifiers, dots and dashes.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
                || $0 == 0x2D || $0 == 0x2E
        }
    }
}

/// `$(NAME)` in commands, arguments and values. Source: Kubernetes `third_party/forked/golang/expansion`.
enum Expansion {
    /// Replaces what is known; unknown references stay as they stand; `$$` is a dollar sign.
    static func expand(_ text: String, _ known: [String: String]) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest.removeFirst()
            } else if rest.first == "(", let end = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                result += known[name] ?? "$(\(name))"
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }
}

/// Values of the downward API. Pure. Source: kubelet `podFieldSelectorRuntimeValue`, `resource.ExtractContainerResourceValue`.
enum DownwardValue {
    static func field(_ path: String, _ source: EnvironmentSource) -> String? {
        let pod = source.pod
        switch path {
        case "metadata.name": return pod.name
        case "metadata.namespace": return pod.namespace
        case "metadata.uid": return pod.metadata.uid
        case "metadata.labels": return lines(pod.metadata.labels)
        case "metadata.annotations": return lines(pod.metadata.annotations)
        case "spec.nodeName": return source.nodeName
        case "spec.serviceAccountName": return pod.spec.serviceAccountName
        case "status.podIP", "status.podIPs": return source.podAddress
        case "status.hostIP", "status.hostIPs": return source.hostAddress
        default:
            for (prefix, values) in [
                ("metadata.labels['", pod.metadata.labels), ("metadata.annotations['", pod.metadata.annotations),
            ] where path.hasPrefix(prefix) && path.hasSuffix("']") {
                return values[String(path.dropFirst(prefix.count).dropLast(2))] ?? ""
            }
            return nil
        }
    }

    /// `key="value"`, sorted, one a line. Source: `fieldpath.FormatMap`.
    static func lines(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\(JSON.string($0.value).text)" }.joined(separator: "\n")
    }

    static func resource(_ reference: JSON, _ own: Container, _ source: EnvironmentSource) throws(ConfigError) -> String
    {
        let text = reference["resource"].string ?? ""
        let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        let named = reference["containerName"].string ?? ""
        let container =
            named.isEmpty
            ? own : (source.pod.spec.containers + source.pod.spec.initContainers).first { $0.name == named }
        guard parts.count == 2, ["limits", "requests"].contains(parts[0]), let container else {
            throw ConfigError("unsupported container resource : \(text)")
        }
        let isLimit = parts[0] == "limits"
        let set = isLimit ? container.limits : container.requests.merging(container.limits) { own, _ in own }
        let divisor = reference["divisor"].string.flatMap { Quantity($0) }
        switch parts[1] {
        case "cpu":
            let millis = set["cpu"]?.milli ?? (isLimit ? source.nodeCPUMillis : 0)
            let unit = max(1, divisor.map { $0.isZero ? 1000 : $0.milli } ?? 1000)
            return String((millis + unit - 1) / unit)
        case "memory", "ephemeral-storage":
            let bytes = set[parts[1]]?.value ?? (isLimit && parts[1] == "memory" ? source.nodeMemory : 0)
            let unit = max(1, divisor.map { $0.isZero ? 1 : $0.value } ?? 1)
            return String(bytes / unit + (bytes % unit == 0 ? 0 : 1))
        default:
            let value = set[parts[1]]?.value ?? 0
            let unit = max(1, divisor.map { $0.isZero ? 1 : $0.value } ?? 1)
            return String(value / unit + (value % unit == 0 ? 0 : 1))
        }
    }
}
