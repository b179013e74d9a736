import Shared

/// `podAffinity` and `podAntiAffinity`: near which pods a pod wants to be, and near which not.
struct PodAffinity: Sendable {
    struct Term: Sendable {
        let topologyKey: String
        private let selector: LabelSelector?
        /// Empty with `allNamespaces` means every namespace.
        private let namespaces: Set<String>
        private let allNamespaces: Bool

        init(_ json: JSON, namespace: String, labels: [String: String]) {
            topologyKey = json["topologyKey"].string ?? ""
            var selector = LabelSelector(json["labelSelector"])
            for key in json["matchLabelKeys"].items.compactMap(\.string) {
                if let value = labels[key] { selector?.requirements.append(.init(key, .in, [value])) }
            }
            for key in json["mismatchLabelKeys"].items.compactMap(\.string) {
                if let value = labels[key] { selector?.requirements.append(.init(key, .notIn, [value])) }
            }
            self.selector = selector
            let named = Set(json["namespaces"].items.compactMap(\.string))
            // Selecting namespaces by label is understood in its common form: the empty selector, all of them.
            let selectsAll = json["namespaceSelector"].object.map(\.isEmpty) ?? false
            namespaces = named.isEmpty && json["namespaceSelector"].isNull ? [namespace] : named
            allNamespaces = selectsAll
        }

        func matches(_ pod: PodDemand) -> Bool {
            guard allNamespaces || namespaces.contains(pod.namespace) else { return false }
            return selector?.matches(pod.labels) ?? false
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

/// One entry of `spec.topologySpreadConstraints`.
struct SpreadConstraint: Sendable {
    let topologyKey: String
    let maxSkew: Int
    /// Without it the constraint only scores.
    let isRequired: Bool
    /// Fewer domains than this count as one with no pods.
    let minDomains: Int
    private let selector: LabelSelector?
    let honorsAffinity: Bool
    let honorsTaints: Bool

    init(_ json: JSON, labels: [String: String]) {
        topologyKey = json["topologyKey"].string ?? ""
        maxSkew = max(1, json["maxSkew"].int ?? 1)
        isRequired = json["whenUnsatisfiable"].string != "ScheduleAnyway"
        minDomains = json["minDomains"].int ?? 1
        var selector = LabelSelector(json["labelSelector"])
        for key in json["matchLabelKeys"].items.compactMap(\.string) {
            if let value = labels[key] { selector?.requirements.append(.init(key, .in, [value])) }
        }
        self.selector = selector
        honorsAffinity = json["nodeAffinityPolicy"].string != "Ignore"
        honorsTaints = json["nodeTaintsPolicy"].string == "Honor"
    }

    func counts(_ pod: PodDemand, in namespace: String) -> Bool {
        pod.namespace == namespace && !pod.isDeleting && (selector?.matches(pod.labels) ?? false)
    }
    func matches(labels: [String: String]) -> Bool { selector?.matches(labels) ?? false }
}
