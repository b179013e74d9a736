import Shared

/// Which service a request goes to, by host and path: all ingresses of the cluster that the nodes serve. Pure.
/// Source: networking.k8s.io/v1 Ingress, the section on path types and wildcards.
struct IngressTable: Equatable, Sendable {
    enum Port: Hashable, Sendable {
        case number(UInt16)
        case name(String)
    }
    struct Backend: Hashable, Sendable {
        let service: ServiceName
        let port: Port
    }
    struct SecretName: Hashable, Sendable {
        let namespace: String
        let name: String
    }
    private struct Rule: Equatable {
        let isExact: Bool
        /// The elements of the path, without empty ones.
        let elements: [Substring]
        /// The path as it stands in the ingress.
        let path: String
        let backend: Backend
    }
    /// Rules by host, in lower case; `*.` at the front stands for one label, the empty host for all.
    private var rules: [String: [Rule]] = [:]
    private(set) var fallback: Backend?
    /// The secret whose certificate a host has.
    private(set) var secrets: [String: SecretName] = [:]
    private(set) var isEmpty = true

    init() {}

    /// Older ingresses come first where two claim the same.
    init(_ ingresses: [Ingress], classes: [IngressClass]) {
        let ours = Set(classes.filter(\.isOurs).map(\.name))
        let isDefault = classes.contains { $0.isOurs && $0.isDefault }
        let sorted = ingresses.filter { $0.className.map(ours.contains) ?? isDefault }.sorted { left, right in
            let (mine, other) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            if let mine, let other, mine != other { return mine < other }
            return left.key < right.key
        }
        for ingress in sorted { add(ingress) }
        for host in rules.keys { rules[host]?.sort(by: IngressTable.precedes) }
    }

    private mutating func add(_ ingress: Ingress) {
        isEmpty = false
        if let backend = Backend(ingress.defaultBackend, ingress.namespace), fallback == nil { fallback = backend }
        for rule in ingress.rules {
            let host = (rule["host"].string ?? "").lowercased()
            for entry in rule["http"]["paths"].items {
                guard let backend = Backend(entry["backend"], ingress.namespace) else { continue }
                let path = entry["path"].string ?? "/"
                let new = Rule(
                    isExact: entry["pathType"].string == "Exact", elements: IngressTable.elements(path),
                    path: path.isEmpty ? "/" : path, backend: backend)
                let isTaken = (rules[host] ?? []).contains { known in
                    known.isExact == new.isExact
                        && (new.isExact ? known.path == new.path : known.elements == new.elements)
                }
                if !isTaken { rules[host, default: []].append(new) }
            }
        }
        for entry in ingress.tls {
            guard let name = entry["secretName"].string, !name.isEmpty else { continue }
            for host in entry["hosts"].items.compactMap(\.string) {
                let host = host.lowercased()
                if secrets[host] == nil {
                    secrets[host] = SecretName(namespace: ingress.namespace, name: name)
                }
            }
        }
    }

    /// Exact paths first, then the longest.
    private static func precedes(_ left: Rule, _ right: Rule) -> Bool {
        if left.isExact != right.isExact { return left.isExact }
        return left.elements.count > right.elements.count
    }

    private static func elements(_ path: some StringProtocol) -> [Substring] {
        Substring(path).split(separator: "/")
    }

    /// - Parameters:
    ///   - host: as the request names it, with or without a port.
    ///   - path: without the query.
    func backend(host: String, path: String) -> Backend? {
        let elements = IngressTable.elements(path)
        for name in IngressTable.names(for: host) {
            guard let rules = rules[name] else { continue }
            for rule in rules {
                let isMatch =
                    rule.isExact
                    ? rule.path == path
                    : elements.count >= rule.elements.count
                        && elements.prefix(rule.elements.count).elementsEqual(rule.elements)
                if isMatch { return rule.backend }
            }
        }
        return fallback
    }

    /// The keys under which rules of a host may stand, the closest first.
    static func names(for host: String) -> [String] {
        var name = host.lowercased()
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") { name = String(name[..<colon]) }
        if name.hasSuffix(".") { name.removeLast() }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return [name, ""] }
        return [name, "*" + name[dot...], ""]
    }
}

extension IngressTable.Backend {
    /// Nil when the backend is no service.
    init?(_ json: JSON, _ namespace: String) {
        let service = json["service"]
        guard let name = service["name"].string, !name.isEmpty else { return nil }
        let port = service["port"]
        if let number = port["number"].int.flatMap(UInt16.init(exactly:)), number > 0 {
            self.init(service: ServiceName(namespace: namespace, name: name), port: .number(number))
        } else if let text = port["name"].string, !text.isEmpty {
            self.init(service: ServiceName(namespace: namespace, name: name), port: .name(text))
        } else {
            return nil
        }
    }
}

extension ServiceEntry {
    /// The port that an ingress names.
    func port(_ wanted: IngressTable.Port) -> Port? {
        ports.first { port in
            guard port.transport == .tcp else { return false }
            switch wanted {
            case .number(let number): return port.port == number
            case .name(let name): return port.name == name
            }
        }
    }
}
