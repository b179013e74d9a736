import Shared

/// A description of pods that can be counted: in these namespaces, with such labels.
struct PodClass: Hashable, Sendable {
    struct Part: Hashable, Sendable {
        /// Nil means all namespaces.
        let namespaces: Set<String>?
        let selector: LabelSelector
    }
    /// All of them must hold.
    let parts: [Part]
    /// Whether pods on their way out count.
    let countsDeleting: Bool

    func matches(_ mark: PodMark) -> Bool {
        (countsDeleting || !mark.isDeleting)
            && parts.allSatisfy {
                ($0.namespaces?.contains(mark.namespace) ?? true) && $0.selector.matches(mark.labels)
            }
    }
}

/// How many pods of a class are where, kept up to date pod by pod, so that placing a pod need not count all others.
struct Tally: Sendable {
    let pods: PodClass
    private(set) var perNode: [String: Int]
    /// Topology key → value → pods, for the keys that were asked for.
    private var perPlace: [String: [String: Int]] = [:]
    /// The turn in which it was asked for last.
    var lastUsed: Int

    init(_ pods: PodClass, perNode: [String: Int], lastUsed: Int) {
        self.pods = pods
        self.perNode = perNode
        self.lastUsed = lastUsed
    }

    mutating func change(by difference: Int, on node: NodeShape) {
        perNode.change(node.name, by: difference)
        for key in perPlace.keys {
            if let value = node.labels[key] { perPlace[key]?.change(value, by: difference) }
        }
    }

    /// Pods by value of a node label. Values without a pod are absent.
    /// - Parameter label: the label of the named node.
    mutating func counts(by key: String, label: (_ node: String) -> String?) -> [String: Int] {
        if let known = perPlace[key] { return known }
        var counts: [String: Int] = [:]
        for (node, count) in perNode { if let value = label(node) { counts[value, default: 0] += count } }
        perPlace[key] = counts
        return counts
    }

    /// To be called when labels of nodes change.
    mutating func forgetPlaces() { perPlace = [:] }
}

/// A wish about other pods that pods on nodes have.
struct HeldTerm: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Required anti-affinity: a matching pod must stay away.
        case repels
        /// Preferred affinity of that weight; negative for anti-affinity.
        case pulls(Int)
        /// Required affinity; it pulls with the weight of the profile.
        case needs
    }
    let kind: Kind
    let term: PodAffinity.Term
}

/// Where the pods are that have one wish.
struct Holders: Sendable {
    private(set) var perNode: [String: Int] = [:]
    private var places: [String: Int]?

    mutating func change(by difference: Int, on node: NodeShape, key: String) {
        perNode.change(node.name, by: difference)
        if let value = node.labels[key] { places?.change(value, by: difference) }
    }

    /// Holders by value of the topology key of their wish.
    mutating func counts(by key: String, label: (_ node: String) -> String?) -> [String: Int] {
        if let places { return places }
        var counts: [String: Int] = [:]
        for (node, count) in perNode { if let value = label(node) { counts[value, default: 0] += count } }
        places = counts
        return counts
    }

    mutating func forgetPlaces() { places = nil }
}

extension PodAffinity {
    /// The wishes that concern pods which come later.
    var held: [HeldTerm] {
        requiredAnti.map { HeldTerm(kind: .repels, term: $0) } + required.map { HeldTerm(kind: .needs, term: $0) }
            + preferred.map { HeldTerm(kind: .pulls($0.weight), term: $0.term) }
            + preferredAnti.map { HeldTerm(kind: .pulls(-$0.weight), term: $0.term) }
    }
}

extension [String: Int] {
    /// Adds to a count; a count of zero is removed.
    mutating func change(_ key: String, by difference: Int) {
        let count = (self[key] ?? 0) + difference
        self[key] = count > 0 ? count : nil
    }
}
