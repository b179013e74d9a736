import Shared

/// One object as the console keeps it: a small projection, made where the answer is read, so that the object itself
/// is let go. The whole object is asked for only by a detail screen.
struct Item: Equatable, Sendable {
    struct Key: Hashable, Sendable, Comparable {
        let namespace: String
        let name: String
        static func < (left: Key, right: Key) -> Bool {
            (left.namespace, left.name) < (right.namespace, right.name)
        }
        var path: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
    }
    struct Owner: Hashable, Sendable {
        let apiVersion: String
        let kind: String
        let name: String
        let uid: String
    }

    /// Shared by all copies: a table of fifty thousand items moves pointers.
    private final class Body: Sendable {
        let key: Key
        let uid: String
        let revision: String
        let created: Timestamp?
        let deleting: Timestamp?
        let labels: [String: String]
        let owner: Owner?
        let finalizers: [String]
        let facts: Facts

        init(_ metadata: ObjectMeta, _ facts: Facts) {
            key = Key(namespace: Pools.text(metadata.namespace), name: metadata.name)
            uid = metadata.uid
            revision = metadata.resourceVersion
            created = metadata.creationTimestamp
            deleting = metadata.deletionTimestamp
            let labels = metadata.labels
            self.labels = labels.isEmpty ? labels : Pools.labels.one(labels)
            owner = (metadata.controller ?? metadata.ownerReferences.first).map {
                Pools.owners.one(Owner(apiVersion: $0.apiVersion, kind: $0.kind, name: $0.name, uid: $0.uid))
            }
            finalizers = metadata.finalizers
            self.facts = facts
        }
    }
    private let body: Body

    init(metadata: ObjectMeta, _ facts: Facts) { body = Body(metadata, facts) }

    var key: Key { body.key }
    var uid: String { body.uid }
    var revision: String { body.revision }
    var created: Timestamp? { body.created }
    /// When its deletion is due.
    var deleting: Timestamp? { body.deleting }
    var labels: [String: String] { body.labels }
    var owner: Owner? { body.owner }
    var finalizers: [String] { body.finalizers }
    var facts: Facts { body.facts }
    var name: String { body.key.name }
    var namespace: String { body.key.namespace }

    static func == (left: Item, right: Item) -> Bool {
        left.body === right.body
            || (left.key == right.key && left.uid == right.uid && left.revision == right.revision
                && left.created == right.created && left.deleting == right.deleting && left.labels == right.labels
                && left.owner == right.owner && left.finalizers == right.finalizers && left.facts == right.facts)
    }
}

/// What is kept of an object beyond its metadata.
enum Facts: Equatable, Sendable {
    case pod(PodFacts)
    case node(NodeFacts)
    case workload(WorkloadFacts)
    case service(ServiceFacts)
    case job(JobFacts)
    case event(EventFacts)
    case slice(SliceFacts)
    case claim(ClaimFacts)
    case budget(BudgetFacts)
    /// The cells of a server's Table.
    case cells([String])
    /// The object itself, for the one that a detail screen shows.
    case object(JSON)
}

extension Item {
    /// The projection of an object of `type`; whole objects when `isWhole`.
    static func project(_ json: JSON, _ type: KindType, isWhole: Bool = false) -> Item {
        let object = Object(json)
        if isWhole { return Item(metadata: object.metadata, .object(json)) }
        switch (type.group, type.plural) {
        case ("", "pods"): return Item(metadata: object.metadata, .pod(PodFacts(Pod(json))))
        case ("", "nodes"): return Item(metadata: object.metadata, .node(NodeFacts(Node(json))))
        case ("", "services"): return Item(metadata: object.metadata, .service(ServiceFacts(ClusterService(json))))
        case ("", "events"): return Item(metadata: object.metadata, .event(EventFacts(json)))
        case ("batch", "jobs"): return Item(metadata: object.metadata, .job(JobFacts(json)))
        case ("discovery.k8s.io", "endpointslices"): return Item(metadata: object.metadata, .slice(SliceFacts(json)))
        case ("", "persistentvolumeclaims"): return Item(metadata: object.metadata, .claim(ClaimFacts(json)))
        case ("policy", "poddisruptionbudgets"): return Item(metadata: object.metadata, .budget(BudgetFacts(json)))
        case ("apps", _): return Item(metadata: object.metadata, .workload(WorkloadFacts(json)))
        default: return Item(metadata: object.metadata, .cells([]))
        }
    }

    var pod: PodFacts? { if case .pod(let facts) = facts { facts } else { nil } }
    var node: NodeFacts? { if case .node(let facts) = facts { facts } else { nil } }
    var workload: WorkloadFacts? { if case .workload(let facts) = facts { facts } else { nil } }
    var service: ServiceFacts? { if case .service(let facts) = facts { facts } else { nil } }
    var job: JobFacts? { if case .job(let facts) = facts { facts } else { nil } }
    var event: EventFacts? { if case .event(let facts) = facts { facts } else { nil } }
    var slice: SliceFacts? { if case .slice(let facts) = facts { facts } else { nil } }
    var claim: ClaimFacts? { if case .claim(let facts) = facts { facts } else { nil } }
    var budget: BudgetFacts? { if case .budget(let facts) = facts { facts } else { nil } }
    var cells: [String]? { if case .cells(let cells) = facts { cells } else { nil } }
    var object: JSON? { if case .object(let json) = facts { json } else { nil } }
}
