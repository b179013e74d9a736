import Shared

/// What is worked out once per pod, before its nodes are looked at: who is where, as far as the pod cares.
struct Cycle: Sendable {
    /// Matching pods per value of a topology key.
    struct Spread: Sendable {
        let constraint: SpreadConstraint
        /// Values without a pod are absent.
        let counts: [String: Int]
        /// The count of the emptiest domain.
        let least: Int
        /// 1 when the pod itself matches.
        let own: Int
    }
    /// Places by a topology key.
    struct Places: Sendable {
        let key: String
        let counts: [String: Int]
    }

    /// Why the pod fits no node whatever the nodes are like.
    private(set) var refusal: String?
    /// The only nodes that the pod's affinity names; nil means any.
    private(set) var onlyNodes: Set<String>?
    private(set) var required: [Spread] = []
    private(set) var preferred: [Spread] = []
    /// Whether a node has to have all topology keys to be scored: not for the cluster's own default.
    private(set) var requiresAllKeys = true
    /// For each required affinity term: places with a matching pod.
    private(set) var near: [Places] = []
    /// True when no pod matches the terms anywhere but the pod itself does: the first of its kind may go anywhere.
    private(set) var isFirstOfItsKind = false
    /// Places with a pod that this pod must avoid.
    private(set) var avoided: [Places] = []
    /// Places with a pod that wants to avoid this pod.
    private(set) var avoiding: [Places] = []
    /// Preference for or against places, by affinity weights: topology key → value → sum.
    private(set) var attraction: [String: [String: Int]] = [:]
    private(set) var claims = VolumeIndex.Demand()
    /// For each image of the pod the share of the nodes that have it.
    private(set) var imageShares: [Double] = []

    init(_ pod: PodDemand, _ snapshot: inout Snapshot, _ profile: Profile) {
        onlyNodes = pod.nodeAffinity.namedNodes
        if onlyNodes?.isEmpty ?? false {
            refusal = "pod affinity terms conflict"
            return
        }
        if !pod.claims.isEmpty {
            claims = snapshot.volumes.demand(of: pod)
            refusal = claims.refusal
            if refusal != nil { return }
        }
        spread(pod, &snapshot, profile)
        if !pod.affinity.isEmpty { searchOwnTerms(pod, &snapshot) }
        for (held, places) in snapshot.wishes(about: pod) {
            let key = held.term.topologyKey
            switch held.kind {
            case .repels: avoiding.append(Places(key: key, counts: places))
            case .pulls(let weight): attract(key, places, weight)
            case .needs: attract(key, places, profile.hardAffinityWeight)
            }
        }
        if !snapshot.imageNodes.isEmpty, !snapshot.nodes.isEmpty {
            let all = Double(snapshot.nodes.count)
            imageShares = pod.images.map { Double(snapshot.imageNodes[$0] ?? 0) / all }
            if imageShares.allSatisfy({ $0 == 0 }) { imageShares = [] }
        }
    }

    private mutating func attract(_ key: String, _ places: [String: Int], _ weight: Int) {
        guard weight != 0 else { return }
        for (value, count) in places { attraction[key, default: [:]][value, default: 0] += weight * count }
    }

    // MARK: Spread

    private mutating func spread(_ pod: PodDemand, _ snapshot: inout Snapshot, _ profile: Profile) {
        var constraints = pod.spread
        if constraints.isEmpty, let siblings = pod.siblings {
            constraints = profile.defaultSpread.map {
                SpreadConstraint(
                    default: $0.topologyKey, maxSkew: $0.maxSkew, isRequired: $0.isRequired, selector: siblings)
            }
            requiresAllKeys = !profile.isSystemSpread
        }
        guard !constraints.isEmpty else { return }
        for isRequired in [true, false] {
            let group = constraints.filter { $0.isRequired == isRequired }
            let keys = group.map(\.topologyKey)
            let spreads = group.map { count($0, keys: isRequired || requiresAllKeys ? keys : [], pod, &snapshot) }
            if isRequired { required = spreads } else { preferred = spreads }
        }
    }

    /// - Parameter keys: labels that a node must have for its pods to count.
    private func count(
        _ constraint: SpreadConstraint, keys: [String], _ pod: PodDemand, _ snapshot: inout Snapshot
    ) -> Spread {
        let own = constraint.matches(labels: pod.labels) ? 1 : 0
        let key = constraint.topologyKey
        guard let counted = constraint.counted(in: pod.namespace) else {
            return Spread(constraint: constraint, counts: [:], least: 0, own: own)
        }
        let everyNodeCounts =
            !constraint.honorsTaints && (!constraint.honorsAffinity || pod.selectsAll)
            && keys.allSatisfy { $0 == key || snapshot.hasEverywhere($0) }
        var counts: [String: Int] = [:]
        var domains: Int
        if everyNodeCounts {
            counts = snapshot.counts(of: counted, by: key)
            domains = constraint.isRequired ? snapshot.domains(by: key).count : 0
        } else {
            let perNode = snapshot.counts(of: counted)
            var values: Set<String> = []
            for node in snapshot.nodes {
                guard let value = node.labels[key], keys.allSatisfy({ node.labels[$0] != nil }),
                    !constraint.honorsAffinity || pod.selects(node.shape),
                    !constraint.honorsTaints || pod.untolerated(of: node.shape) == nil
                else { continue }
                values.insert(value)
                if let count = perNode[node.name] { counts[value, default: 0] += count }
            }
            domains = values.count
        }
        // A domain without a pod is absent from the counts.
        let isLow = counts.count < domains || domains < constraint.minDomains
        let least = constraint.isRequired && !isLow ? counts.values.min() ?? 0 : 0
        return Spread(constraint: constraint, counts: counts, least: least, own: own)
    }

    // MARK: Affinity

    private mutating func searchOwnTerms(_ pod: PodDemand, _ snapshot: inout Snapshot) {
        let affinity = pod.affinity
        func places(_ terms: [PodAffinity.Term], by key: String) -> [String: Int] {
            let parts = terms.compactMap { $0.part(snapshot.namespaces) }
            guard parts.count == terms.count else { return [:] }
            return snapshot.counts(of: PodClass(parts: parts, countsDeleting: true), by: key)
        }
        // Only a pod that fits all terms counts for any of them, as Kubernetes has it.
        near = affinity.required.map { term in
            Places(key: term.topologyKey, counts: places(affinity.required, by: term.topologyKey))
        }
        let namespaces = snapshot.namespaces
        isFirstOfItsKind =
            near.allSatisfy(\.counts.isEmpty) && affinity.required.allSatisfy { $0.matches(pod, namespaces) }
        avoided = affinity.requiredAnti.map { term in
            Places(key: term.topologyKey, counts: places([term], by: term.topologyKey))
        }
        let preferences = affinity.preferred + affinity.preferredAnti.map { (weight: -$0.weight, term: $0.term) }
        let found = preferences.map { (term: $0.term, weight: $0.weight, places([$0.term], by: $0.term.topologyKey)) }
        for (term, weight, counts) in found { attract(term.topologyKey, counts, weight) }
    }
}

extension Snapshot {
    /// Whether all nodes have the label.
    mutating func hasEverywhere(_ key: String) -> Bool {
        domains(by: key).values.reduce(0, +) == nodes.count
    }
}
