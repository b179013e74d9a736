import Shared

/// One resource of the API: what discovery tells about it and how its objects are kept. A row of a table, no class.
///
/// Source: `assets/api/resources.txt`, and the storage strategies of Kubernetes (`pkg/registry/*/strategy.go`).
struct Resource: Sendable, Hashable {
    let group: String
    let version: String
    /// Lower case, as in paths: `pods`.
    let plural: String
    let singular: String
    let kind: String
    let listKind: String
    var shortNames: [String] = []
    var categories: [String] = []
    let isNamespaced: Bool
    /// Sorted: `create`, `delete`, `deletecollection`, `get`, `list`, `patch`, `update`, `watch`.
    var verbs: [String] = []
    var subresources: [Subresource] = []
    /// Labels that field selectors may use, in the order in which they are documented.
    var selectors: [Selector] = []
    /// The name of the type in the schema; nil when objects are kept as they come.
    var schemaType: String?
    var strategy = Strategy()
    /// What a definition says of it; nil for the resources of Kubernetes itself.
    var custom: CustomVersion?

    /// A path below an object, such as `status` or `log`.
    struct Subresource: Sendable, Hashable {
        let name: String
        let group: String
        let version: String
        let kind: String
        let verbs: [String]
        /// The kind lives in a group of its own, which discovery then names.
        let isForeign: Bool
        /// Anything may follow in the path, as in `proxy/…`.
        let takesPath: Bool
    }

    /// A field selector's label and the path that it reads.
    struct Selector: Sendable, Hashable {
        let label: String
        let path: [String]
    }

    /// `v1`, or `apps/v1`.
    var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
    var groupResource: GroupResource { GroupResource(group: group, plural) }
    var type: KindType {
        KindType(group: group, version: version, kind: kind, plural: plural, isNamespaced: isNamespaced)
    }
    /// `/api/v1`, or `/apis/apps/v1`.
    var root: String { type.root }
    /// Objects of it are stored; reviews and bindings only pass through.
    var isStored: Bool { verbs.contains("get") && group != "metrics.k8s.io" && plural != "componentstatuses" }

    func subresource(_ name: String) -> Subresource? { subresources.first { $0.name == name } }
    func allows(_ verb: String) -> Bool { verbs.contains(verb) }

    /// The path of a field selector's label; nil when the server does not know the label.
    func path(ofSelector label: String) -> [String]? { selectors.first { $0.label == label }?.path }

    /// The resource has selectors beyond name and namespace.
    var hasOwnSelectors: Bool {
        selectors.contains { $0.label != "metadata.name" && $0.label != "metadata.namespace" }
    }
    /// Every resource knows the name; the namespace too, unless it lists its own selectors without it.
    func offers(selector label: String) -> Bool {
        path(ofSelector: label) != nil || label == "metadata.name"
            || label == "metadata.namespace" && !hasOwnSelectors
    }

    /// The values that field selectors may ask for, by label. Absent fields are the empty string, as in Kubernetes.
    func projectionFields(of object: JSON) -> [String: String] {
        var fields: [String: String] = [:]
        fields.reserveCapacity(selectors.count)
        for selector in selectors { fields[selector.label] = Resource.text(object.at(selector.path)) }
        // A bool is compared by its text, also where the object does not carry it.
        for label in ["spec.unschedulable", "spec.hostNetwork"] where fields[label] == "" { fields[label] = "false" }
        if fields["status.successful"] == "" { fields["status.successful"] = "0" }
        if fields["status.replicas"] == "" { fields["status.replicas"] = "0" }
        if fields["source"] == "" { fields["source"] = object["reportingComponent"].string ?? "" }
        return fields
    }

    private static func text(_ value: JSON) -> String {
        switch value {
        case .string(let text): text
        case .int(let number): String(number)
        case .bool(let flag): flag ? "true" : "false"
        case .array(let items): items.map { text($0["ip"]) }.joined(separator: ",")
        default: ""
        }
    }
}

extension Resource {
    /// Reads a line of `resources.txt`; nil when it has too few cells.
    init?(row: [String]) {
        guard row.count >= 13 else { return nil }
        func list(_ cell: String) -> [String] { cell.split(separator: ",").map(String.init) }
        self.init(
            group: row[0], version: row[1], plural: row[2], singular: row[3], kind: row[4], listKind: row[5],
            shortNames: list(row[6]), categories: list(row[7]), isNamespaced: row[8] == "Namespaced",
            verbs: list(row[9]), subresources: row[11].split(separator: ";").compactMap(Subresource.init(cell:)),
            selectors: row[10].split(separator: ",").map(Selector.init(cell:)), schemaType: row[12])
        strategy = Strategy(for: self)
    }
}

extension Resource.Subresource {
    /// Reads `name:[+]group/version/Kind:verb,verb[:/]`.
    fileprivate init?(cell: Substring) {
        let parts = cell.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        let isForeign = parts[1].hasPrefix("+")
        let type = parts[1].drop { $0 == "+" }.split(separator: "/", omittingEmptySubsequences: false)
        guard type.count == 3 else { return nil }
        self.init(
            name: String(parts[0]), group: String(type[0]), version: String(type[1]), kind: String(type[2]),
            verbs: parts[2].split(separator: ",").map(String.init), isForeign: isForeign, takesPath: parts.count > 3)
    }
}

extension Resource.Selector {
    /// Reads `label=path`.
    fileprivate init(cell: Substring) {
        let parts = cell.split(separator: "=")
        label = String(parts.first ?? "")
        path = (parts.last ?? "").split(separator: ".").map(String.init)
    }
}
