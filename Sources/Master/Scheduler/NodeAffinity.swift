import Shared

/// `spec.affinity.nodeAffinity`: which nodes a pod must have, and which it would like.
struct NodeAffinity: Sendable {
    /// Requirements on labels and on the node's name, all of which must hold.
    struct Term: Sendable {
        private let labels: [LabelSelector.Requirement]
        private let names: [LabelSelector.Requirement]
        private let isValid: Bool

        init(_ json: JSON) {
            let (labels, areValid) = Term.read(json["matchExpressions"].items)
            let (names, areNamed) = Term.read(json["matchFields"].items)
            self.labels = labels
            self.names = names
            // A term without requirements, or with an operator that is not known, selects nothing.
            isValid = areValid && areNamed && !(labels.isEmpty && names.isEmpty)
        }

        private static func read(_ items: [JSON]) -> ([LabelSelector.Requirement], Bool) {
            var result: [LabelSelector.Requirement] = []
            for item in items {
                guard let known = item["operator"].string.flatMap(LabelSelector.Operator.init(rawValue:)) else {
                    return ([], false)
                }
                let values = item["values"].items.compactMap(\.string)
                result.append(LabelSelector.Requirement(item["key"].string ?? "", known, values))
            }
            return (result, true)
        }

        func matches(_ node: NodeShape) -> Bool {
            isValid && labels.allSatisfy { $0.matches(node.labels[$0.key]) }
                && names.allSatisfy { $0.key == "metadata.name" && $0.matches(node.name) }
        }

        /// The node names that the term allows; nil when it does not name any.
        fileprivate var namedNodes: Set<String>? {
            var result: Set<String>?
            for name in names where name.key == "metadata.name" && name.operator == .in {
                result = result.map { $0.intersection(name.values) } ?? Set(name.values)
            }
            return result
        }
    }

    /// One of these must match; nil asks for nothing.
    let required: [Term]?
    let preferred: [(weight: Int, term: Term)]
    /// The only nodes that can match, when every term names some.
    let namedNodes: Set<String>?

    init(_ json: JSON) {
        let required = json["requiredDuringSchedulingIgnoredDuringExecution"]
        let terms = required.isNull ? nil : required["nodeSelectorTerms"].items.map { Term($0) }
        self.required = terms
        preferred = json["preferredDuringSchedulingIgnoredDuringExecution"].items.map {
            (max(0, min(100, $0["weight"].int ?? 0)), Term($0["preference"]))
        }
        let names = (terms ?? []).map(\.namedNodes)
        namedNodes =
            names.isEmpty || names.contains { $0 == nil } ? nil : names.reduce(into: []) { $0.formUnion($1 ?? []) }
    }
}

extension PodDemand {
    /// Whether the pod asks nothing of a node's labels.
    var selectsAll: Bool { nodeSelector.isEmpty && nodeAffinity.required == nil }

    /// Whether the pod's node selector and required node affinity allow the node.
    func selects(_ node: NodeShape) -> Bool {
        for (key, value) in nodeSelector where node.labels[key] != value { return false }
        guard let required = nodeAffinity.required else { return true }
        return required.contains { $0.matches(node) }
    }
}
