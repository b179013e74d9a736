import Shared

extension Pod {
    /// Counts for its workload: neither finished nor on its way out.
    var isActive: Bool { !isFinished && !metadata.isDeleting }

    /// Since when it is ready; nil while it is not.
    var readySince: Timestamp? {
        guard let ready = status.condition("Ready"), ready.isTrue else { return nil }
        return ready.lastTransitionTime ?? Timestamp(seconds: 0)
    }

    /// Ready for at least `minReadySeconds`.
    func isAvailable(after minReadySeconds: Int, now: Timestamp) -> Bool {
        guard let since = readySince else { return false }
        return minReadySeconds == 0 || since + .seconds(minReadySeconds) <= now
    }

    /// Restarts of its most often restarted container.
    var restarts: Int { status.containerStatuses.map(\.restartCount).max() ?? 0 }

    /// How much its deletion costs compared with its siblings.
    /// Source: annotation `controller.kubernetes.io/pod-deletion-cost`, KEP-2255.
    var deletionCost: Int32 {
        metadata.annotations["controller.kubernetes.io/pod-deletion-cost"].flatMap { Int32($0) } ?? 0
    }

    /// A pod that `owner` makes from a template. The name is left to the server.
    init<Owner: Kind>(from template: PodTemplate, for owner: Owner, labels: [String: String]? = nil) {
        self.init(["apiVersion": "v1", "kind": "Pod"])
        var metadata = ObjectMeta([:])
        let prefix = owner.name + "-"
        metadata.generateName = prefix.utf8.count <= 253 ? prefix : owner.name
        metadata.namespace = owner.namespace
        metadata.labels = labels ?? template.metadata.labels
        metadata.annotations = template.metadata.annotations
        metadata.finalizers = template.metadata.finalizers
        metadata.ownerReferences = [OwnerReference(controller: owner)]
        self.metadata = metadata
        json["spec"] = template.spec.json
    }
}

extension PodTemplate {
    /// The label by which a Deployment tells the pods of its revisions apart.
    static let hashLabel = "pod-template-hash"

    /// Equal but for the hash label, and for what is null.
    func isSame(as other: PodTemplate) -> Bool { json == other.json || withoutHash.json == other.withoutHash.json }

    /// The same template as a user would write it.
    var withoutHash: PodTemplate {
        var copy = self
        var metadata = copy.metadata
        var labels = metadata.labels
        labels[PodTemplate.hashLabel] = nil
        metadata.labels = labels
        copy.metadata = metadata
        return PodTemplate(copy.json.canonical)
    }
}

/// The order in which a workload gives up pods: the first is the least loss.
/// Source: `ActivePodsWithRanks` of the replica set controller, `ActivePods` of the job controller.
struct PodRanking {
    /// Active pods of the same owner on the node of each pod, by node name.
    private let crowd: [String: Int]
    /// Whether pods tell what their deletion costs; those of a Job do not.
    private let heedsCost: Bool

    /// The order of a Job, which neither asks for costs nor for siblings on a node.
    static let ofJob = PodRanking(related: [], heedsCost: false)

    /// - Parameter related: the active pods of the same owner or, for a set that has an owner, of all its sets.
    init(related: [Pod], heedsCost: Bool = true) {
        self.heedsCost = heedsCost
        crowd = related.reduce(into: [:]) { counts, pod in
            if pod.isActive { counts[pod.spec.nodeName, default: 0] += 1 }
        }
    }

    func sorted(_ pods: [Pod]) -> [Pod] {
        pods.map { pod in
            Entry(pod, rank: crowd[pod.spec.nodeName] ?? 0, cost: heedsCost ? pod.deletionCost : 0)
        }.sorted().map(\.pod)
    }

    private struct Entry: Comparable {
        let pod: Pod
        let isBound: Bool
        let phase: Int
        let readySince: Timestamp?
        let cost: Int32
        let rank: Int
        let restarts: Int
        let created: Timestamp

        init(_ pod: Pod, rank: Int, cost: Int32) {
            self.pod = pod
            self.rank = rank
            self.cost = cost
            isBound = !pod.spec.nodeName.isEmpty
            phase = pod.status.phase == .pending ? 0 : pod.status.phase == .unknown ? 1 : 2
            readySince = pod.readySince
            restarts = pod.restarts
            created = pod.metadata.creationTimestamp ?? Timestamp(nanoseconds: .max)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.pod.metadata.uid == right.pod.metadata.uid }
        static func < (left: Entry, right: Entry) -> Bool {
            if left.isBound != right.isBound { return !left.isBound }
            if left.phase != right.phase { return left.phase < right.phase }
            if (left.readySince == nil) != (right.readySince == nil) { return left.readySince == nil }
            if left.cost != right.cost { return left.cost < right.cost }
            if left.rank != right.rank { return left.rank > right.rank }
            if let mine = left.readySince, let other = right.readySince, mine != other { return mine > other }
            if left.restarts != right.restarts { return left.restarts > right.restarts }
            if left.created != right.created { return left.created > right.created }
            return left.pod.name < right.pod.name
        }
    }
}
