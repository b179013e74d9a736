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
