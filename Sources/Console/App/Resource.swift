import Shared

/// A resource that the server offers, as discovery names it.
struct Resource: Hashable, Sendable {
    let type: KindType
    let singular: String
    let shortNames: [String]
    let verbs: Set<String>

    init(_ type: KindType, singular: String = "", shortNames: [String] = [], verbs: Set<String>? = nil) {
        self.type = type
        self.singular = singular.isEmpty ? type.kind.lowercased() : singular
        self.shortNames = shortNames
        self.verbs = verbs ?? ["get", "list", "watch", "create", "update", "patch", "delete"]
    }

    static func == (left: Resource, right: Resource) -> Bool { left.type == right.type }
    func hash(into hasher: inout Hasher) { hasher.combine(type) }

    var plural: String { type.plural }
    /// `Pods`, `EndpointSlices`.
    var title: String {
        let kind = type.kind
        if plural.lowercased() == kind.lowercased() { return kind }
        if kind.hasSuffix("y") { return kind.dropLast() + "ies" }
        if kind.hasSuffix("s") || kind.hasSuffix("x") { return kind + "es" }
        return kind + "s"
    }
    /// Every word that names it in a command.
    var words: [String] { [plural, singular] + shortNames + [type.kind.lowercased()] }

    // The resources that the console itself looks at; discovery adds short names and everything else.
    static let pods = Resource(Pod.type, shortNames: ["po"])
    static let nodes = Resource(Node.type, shortNames: ["no"])
    static let events = Resource(Event.type, shortNames: ["ev"])
    static let deployments = Resource(Deployment.type, shortNames: ["deploy", "dp"])
    static let replicaSets = Resource(ReplicaSet.type, shortNames: ["rs"])
    static let services = Resource(ClusterService.type, shortNames: ["svc"])
    static let jobs = Resource(Job.type)
    static let namespaces = Resource(Namespace.type, shortNames: ["ns"])
    static let endpointSlices = Resource(EndpointSlice.type)
    static let statefulSets = Resource(
        KindType(group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets", isNamespaced: true),
        shortNames: ["sts"])
    static let daemonSets = Resource(
        KindType(group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets", isNamespaced: true),
        shortNames: ["ds"])
    static let claims = Resource(
        KindType(
            group: "", version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims",
            isNamespaced: true),
        shortNames: ["pvc"])
    static let budgets = Resource(
        KindType(
            group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets",
            isNamespaced: true
        ), shortNames: ["pdb"])
    static let known: [Resource] = [
        .pods, .nodes, .deployments, .replicaSets, .services, .jobs, .events, .namespaces, .endpointSlices,
    ]
}

/// Everything the server lists, and how words find it.
struct Catalog: Equatable, Sendable {
    var resources: [Resource] = Resource.known
    var isComplete = false

    /// The resource that a word names: plural, singular, short name, kind, `plural.group`. Core groups win.
    func find(_ word: String) -> Resource? {
        let word = word.lowercased()
        if let exact = resources.first(where: { $0.words.contains(word) }) { return exact }
        if let extra = Catalog.aliases[word] { return find(extra) }
        return resources.first { $0.type.resource.description == word || word == "\($0.singular).\($0.type.group)" }
    }
    func find(kind: String, group: String) -> Resource? {
        resources.first { $0.type.kind == kind && $0.type.group == group }
    }

    /// Words that start like `prefix`, best first.
    func completions(of prefix: String) -> [String] {
        let prefix = prefix.lowercased()
        return resources.filter { $0.verbs.contains("list") }.flatMap {
            $0.words.filter { $0.hasPrefix(prefix) }.prefix(1)
        }
        .uniqued().sorted { ($0.count, $0) < ($1.count, $1) }
    }

    /// Names that a mistyped word may have meant.
    func near(_ word: String) -> [String] {
        resources.map { resource in
            (resource.plural, resource.words.map { Catalog.distance(word.lowercased(), $0) }.min() ?? 99)
        }
        .filter { $0.1 <= max(1, word.count / 3) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0).uniqued()
    }

    /// Names of k9s that are no names of the API.
    private static let aliases = [
        "po": "pods", "no": "nodes", "dp": "deployments", "sec": "secrets", "jo": "jobs", "ro": "roles",
        "rb": "rolebindings", "cr": "clusterroles", "crb": "clusterrolebindings", "np": "networkpolicies",
    ]

    /// Changes of one character that turn one word into the other (swaps of neighbours count once).
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8.prefix(64))
        let right = Array(right.utf8.prefix(64))
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let same = left[row] == right[column]
                var best = min(previous[column] + (same ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}

extension Array where Element: Hashable {
    /// Without later repetitions.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
