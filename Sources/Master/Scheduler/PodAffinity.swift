import Shared

/// `podAffinity` and `podAntiAffinity`: near which pods a pod wants to be, and near which not.
struct PodAffinity: Sendable {
    struct Term: Hashable, Sendable {
        let topologyKey: String
        /// Nil selects no pod.
        let selector: LabelSelector?
        /// The namespaces that are named; those that `namespaceSelector` finds come on top.
        let namespaces: Set<String>
        let namespaceSelector: LabelSelector?

        /// - Parameters:
        ///   - namespace: of the pod that has the term; it counts when the term says nothing of namespaces.
        ///   - labels: of the pod that has the term, for `matchLabelKeys`.
        init(_ json: JSON, namespace: String, labels: [String: String]) {
            topologyKey = json["topologyKey"].string ?? ""
            var selector = LabelSelector(json["labelSelector"])
            for key in json["matchLabelKeys"].items.compactMap(\.string) {
                if let value = labels[key] { selector?.require(.init(key, .in, [value])) }
            }
            for key in json["mismatchLabelKeys"].items.compactMap(\.string) {
                if let value = labels[key] { selector?.require(.init(key, .notIn, [value])) }
            }
            self.selector = selector
            let named = Set(json["namespaces"].items.compactMap(\.string))
            namespaceSelector = LabelSelector(json["namespaceSelector"])
            namespaces = named.isEmpty && json["namespaceSelector"].isNull ? [namespace] : named
        }

        /// - Parameter namespaces: the labels of all namespaces, by name.
        func matches(_ pod: PodDemand, _ namespaces: [String: [String: String]]) -> Bool {
            guard let selector else { return false }
            let isNear =
                self.namespaces.contains(pod.namespace)
                || namespaceSelector?.matches(namespaces[pod.namespace] ?? [:]) ?? false
            return isNear && selector.matches(pod.labels)
        }

        /// The pods that the term means, as something that can be counted; nil means none.
        func part(_ namespaces: [String: [String: String]]) -> PodClass.Part? {
            guard let selector else { return nil }
            guard let namespaceSelector else { return PodClass.Part(namespaces: self.namespaces, selector: selector) }
            if namespaceSelector.isEmpty { return PodClass.Part(namespaces: nil, selector: selector) }
            let found = namespaces.filter { namespaceSelector.matches($0.value) }.map(\.key)
            return PodClass.Part(namespaces: self.namespaces.union(found), selector: selector)
        }
    }

    let required: [Term]
    let preferred: [(weight: Int, term: Term)]
    let requiredAnti: [Term]
    let preferredAnti: [(weight: Int, term: Term)]

    var isEmpty: Bool { required.isEmpty && preferred.isEmpty && requiredAnti.isEmpty && preferredAnti.isEmpty }

    init(_ affinity: JSON, namespace: String, labels: [String: String]) {
        func required(_ json: JSON) -> [Term] {
            json["requiredDuringSchedulingIgnoredDuringExecution"].items.map {
                Term($0, namespace: namespace, labels: labels)
            }
        }
        func preferred(_ json: JSON) -> [(Int, Term)] {
            json["preferredDuringSchedulingIgnoredDuringExecution"].items.map {
                (
                    max(0, min(100, $0["weight"].int ?? 0)),
                    Term($0["podAffinityTerm"], namespace: namespace, labels: labels)
                )
            }
        }
        self.required = required(affinity["podAffinity"])
        self.preferred = preferred(affinity["podAffinity"])
        requiredAnti = required(affinity["podAntiAffinity"])
        preferredAnti = preferred(affinity["podAntiAffinity"])
    }
}

extension LabelSelector {
    /// Adds a requirement unless it is there: an API server merges `matchLabelKeys` into the selector by itself.
    fileprivate mutating func require(_ requirement: Requirement) {
        if !requirements.contains(requirement) { requirements.append(requirement) }
    }
}

/// One entry of `spec.topologySpreadConstraints`.
struct SpreadConstraint: Sendable {
    let topologyKey: String
    let maxSkew: Int
    /// Without it the constraint only scores.
    let isRequired: Bool
    /// Fewer domains than this count as one with no pods.
    let minDomains: Int
    let selector: LabelSelector?
    let honorsAffinity: Bool
    let honorsTaints: Bool

    init(_ json: JSON, labels: [String: String]) {
        topologyKey = json["topologyKey"].string ?? ""
        maxSkew = max(1, json["maxSkew"].int ?? 1)
        isRequired = json["whenUnsatisfiable"].string != "ScheduleAnyway"
        minDomains = json["minDomains"].int ?? 1
        var selector = LabelSelector(json["labelSelector"])
        for key in json["matchLabelKeys"].items.compactMap(\.string) {
            if let value = labels[key] { selector?.require(.init(key, .in, [value])) }
        }
        self.selector = selector
        honorsAffinity = json["nodeAffinityPolicy"].string != "Ignore"
        honorsTaints = json["nodeTaintsPolicy"].string == "Honor"
    }

    /// A constraint that the cluster, not the pod, asks for.
    init(default topologyKey: String, maxSkew: Int, isRequired: Bool, selector: LabelSelector) {
        self.topologyKey = topologyKey
        self.maxSkew = max(1, maxSkew)
        self.isRequired = isRequired
        minDomains = 1
        self.selector = selector
        honorsAffinity = true
        honorsTaints = false
    }

    func matches(labels: [String: String]) -> Bool { selector?.matches(labels) ?? false }

    /// The pods that are counted; nil means none.
    func counted(in namespace: String) -> PodClass? {
        guard let selector else { return nil }
        return PodClass(parts: [PodClass.Part(namespaces: [namespace], selector: selector)], countsDeleting: false)
    }
}
