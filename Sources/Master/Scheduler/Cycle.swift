import Shared

/// What is worked out once per pod, before its nodes are looked at: who is where, as far as the pod cares.
struct Cycle: Sendable {
    /// Matching pods per value of a topology key.
    struct Spread: Sendable {
        let constraint: SpreadConstraint
        var counts: [String: Int] = [:]
        /// 1 when the pod itself matches.
        let own: Int
        var least: Int {
            counts.count < constraint.minDomains ? 0 : counts.values.min() ?? 0
        }
    }
    struct Place: Hashable {
        let key: String
        let value: String
    }

    var required: [Spread] = []
    var preferred: [Spread] = []
    /// For each required affinity term: places with a matching pod.
    var near: [Set<Place>] = []
    /// True when no pod matches the terms anywhere but the pod itself does: the first of its kind may go anywhere.
    var isFirstOfItsKind = false
    /// Places with a pod that this pod must avoid.
    var avoided: Set<Place> = []
    /// Places with a pod that wants to avoid this pod.
    var avoiding: Set<Place> = []
    /// Preference for or against places, by affinity weights.
    var attraction: [Place: Int] = [:]
    /// Pods of the same controller, per zone.
    var ownerZones: [String: Int] = [:]

    static let zone = "topology.kubernetes.io/zone"

    init(_ pod: PodDemand, _ snapshot: Snapshot) {
        if !pod.spread.isEmpty { countSpread(pod, snapshot) }
        if !pod.affinity.isEmpty { searchOwnTerms(pod, snapshot) }
        if !snapshot.affinityNodes.isEmpty { searchOthersTerms(pod, snapshot) }
        if let owner = pod.owner {
            for index in snapshot.nodes.indices {
                guard let count = snapshot.nodes[index].owners[owner],
                    let zone = snapshot.nodes[index].labels[Cycle.zone]
                else { continue }
                ownerZones[zone, default: 0] += count
            }
        }
    }

    private mutating func countSpread(_ pod: PodDemand, _ snapshot: Snapshot) {
        let keys = pod.spread.map(\.topologyKey)
        for constraint in pod.spread {
            var spread = Spread(constraint: constraint, own: constraint.matches(labels: pod.labels) ? 1 : 0)
            for node in snapshot.nodes {
                guard let value = node.labels[constraint.topologyKey], keys.allSatisfy({ node.labels[$0] != nil }),
                    !constraint.honorsAffinity || pod.selects(node),
                    !constraint.honorsTaints || pod.untolerated(of: node) == nil
                else { continue }
                let count = node.pods.values.count { constraint.counts($0, in: pod.namespace) }
                spread.counts[value, default: 0] += count
            }
            if constraint.isRequired { required.append(spread) } else { preferred.append(spread) }
        }
    }

    private mutating func searchOwnTerms(_ pod: PodDemand, _ snapshot: Snapshot) {
        let affinity = pod.affinity
        near = Array(repeating: [], count: affinity.required.count)
        for node in snapshot.nodes {
            for other in node.pods.values {
                // Only a pod that fits all terms counts, as Kubernetes has it.
                if !affinity.required.isEmpty, affinity.required.allSatisfy({ $0.matches(other) }) {
                    for (index, term) in affinity.required.enumerated() {
                        if let place = node.place(term.topologyKey) { near[index].insert(place) }
                    }
                }
                for term in affinity.requiredAnti where term.matches(other) {
                    if let place = node.place(term.topologyKey) { avoided.insert(place) }
                }
                for (weight, term) in affinity.preferred where term.matches(other) {
                    if let place = node.place(term.topologyKey) { attraction[place, default: 0] += weight }
                }
                for (weight, term) in affinity.preferredAnti where term.matches(other) {
                    if let place = node.place(term.topologyKey) { attraction[place, default: 0] -= weight }
                }
            }
        }
        isFirstOfItsKind = near.allSatisfy(\.isEmpty) && affinity.required.allSatisfy { $0.matches(pod) }
    }

    private mutating func searchOthersTerms(_ pod: PodDemand, _ snapshot: Snapshot) {
        for name in snapshot.affinityNodes {
            guard let node = snapshot.node(name) else { continue }
            for uid in node.withAffinity {
                guard let other = node.pods[uid] else { continue }
                for term in other.affinity.requiredAnti where term.matches(pod) {
                    if let place = node.place(term.topologyKey) { avoiding.insert(place) }
                }
                for (weight, term) in other.affinity.preferred where term.matches(pod) {
                    if let place = node.place(term.topologyKey) { attraction[place, default: 0] += weight }
                }
                for (weight, term) in other.affinity.preferredAnti where term.matches(pod) {
                    if let place = node.place(term.topologyKey) { attraction[place, default: 0] -= weight }
                }
                // A required term pulls others with the weight 1. Source: `hardPodAffinityWeight`.
                for term in other.affinity.required where term.matches(pod) {
                    if let place = node.place(term.topologyKey) { attraction[place, default: 0] += 1 }
                }
            }
        }
    }
}

extension NodeSummary {
    func place(_ key: String) -> Cycle.Place? { labels[key].map { Cycle.Place(key: key, value: $0) } }
}

extension PodDemand {
    /// The first taint that keeps the pod away.
    func untolerated(of node: NodeSummary) -> Taint? {
        node.taints.first { taint in
            taint.effect != "PreferNoSchedule" && !tolerations.contains { $0.tolerates(taint) }
        }
    }
}
