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

    let key: Key
    let uid: String
    let revision: String
    let created: Timestamp?
    let deleting: Timestamp?
    let labels: [String: String]
    let owner: Owner?
    var facts: Facts

    var name: String { key.name }
    var namespace: String { key.namespace }

    init(metadata: ObjectMeta, _ facts: Facts) {
        key = Key(namespace: metadata.namespace, name: metadata.name)
        uid = metadata.uid
        revision = metadata.resourceVersion
        created = metadata.creationTimestamp
        deleting = metadata.deletionTimestamp
        labels = metadata.labels
        owner = (metadata.controller ?? metadata.ownerReferences.first).map {
            Owner(apiVersion: $0.apiVersion, kind: $0.kind, name: $0.name, uid: $0.uid)
        }
        self.facts = facts
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
    var cells: [String]? { if case .cells(let cells) = facts { cells } else { nil } }
    var object: JSON? { if case .object(let json) = facts { json } else { nil } }
}
