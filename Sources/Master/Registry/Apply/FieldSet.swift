/// A set of places in an object: who owns what, and what a change has touched. A tree, since most places share their
/// first steps. Every operation takes time linear in the sets.
///
/// Invariant: nodes are sorted by step and unique, and a node is a member or has nodes below it.
/// Source: structured-merge-diff `fieldpath.Set`.
struct FieldSet: Sendable, Equatable {
    /// One step from an object, list or map into it.
    struct Node: Sendable, Equatable {
        /// The step as `fieldsV1` writes it: `f:spec`, `k:{"name":"web"}`, `v:"a"`, `i:0`.
        let step: String
        /// The place itself belongs to the set, not only places inside it.
        var isMember: Bool
        var below = FieldSet()

        fileprivate var isNothing: Bool { !isMember && below.isEmpty }
    }
    private(set) var nodes: [Node] = []

    init() {}

    /// - Parameter nodes: in any order; equal steps are united.
    init(_ nodes: [Node]) {
        let kept = nodes.filter { !$0.isNothing }
        let isSorted = zip(kept, kept.dropFirst()).allSatisfy { $0.step < $1.step }
        if isSorted {
            self.nodes = kept
            return
        }
        for node in kept.sorted(by: { $0.step < $1.step }) {
            if let last = self.nodes.indices.last, self.nodes[last].step == node.step {
                self.nodes[last].isMember = self.nodes[last].isMember || node.isMember
                self.nodes[last].below.formUnion(node.below)
            } else {
                self.nodes.append(node)
            }
        }
    }

    /// The set of one place.
    init(path: [String]) {
        guard let first = path.first else { return }
        nodes = [Node(step: first, isMember: path.count == 1, below: FieldSet(path: Array(path.dropFirst())))]
    }

    var isEmpty: Bool { nodes.isEmpty }

    /// The node of a step; nil when neither the place nor anything inside it belongs to the set.
    subscript(step: String) -> Node? {
        var low = 0
        var high = nodes.count
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].step == step { return nodes[middle] }
            if nodes[middle].step < step { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    func contains(path: some Collection<String>) -> Bool {
        guard let first = path.first, let node = self[first] else { return false }
        return path.count == 1 ? node.isMember : node.below.contains(path: path.dropFirst())
    }

    /// Every place of the set, outer ones first among those of one step's siblings.
    func forEachPath(_ body: ([String]) -> Void) {
        var path: [String] = []
        walk(&path, body)
    }
    private func walk(_ path: inout [String], _ body: ([String]) -> Void) {
        for node in nodes where node.isMember { body(path + [node.step]) }
        for node in nodes where !node.below.isEmpty {
            path.append(node.step)
            node.below.walk(&path, body)
            path.removeLast()
        }
    }
}

// MARK: - Operations
extension FieldSet {
    func union(_ other: FieldSet) -> FieldSet {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return joined(other) { mine, theirs in
            guard let mine else { return theirs }
            guard let theirs else { return mine }
            return Node(
                step: mine.step, isMember: mine.isMember || theirs.isMember, below: mine.below.union(theirs.below))
        }
    }
    mutating func formUnion(_ other: FieldSet) { self = union(other) }

    /// The places that are in both.
    func intersection(_ other: FieldSet) -> FieldSet {
        joined(other) { mine, theirs in
            guard let mine, let theirs else { return nil }
            return Node(
                step: mine.step, isMember: mine.isMember && theirs.isMember,
                below: mine.below.intersection(theirs.below))
        }
    }

    /// The places that are not in `other`. A place inside one of `other`'s stays.
    func subtracting(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return joined(other) { mine, theirs in
            guard let mine, let theirs else { return mine }
            return Node(
                step: mine.step, isMember: mine.isMember && !theirs.isMember,
                below: mine.below.subtracting(theirs.below))
        }
    }

    /// The places that are neither in `other` nor inside a place of it.
    func subtractingAll(below other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return joined(other) { mine, theirs in
            guard let mine, let theirs else { return mine }
            if theirs.isMember { return nil }
            return Node(
                step: mine.step, isMember: mine.isMember, below: mine.below.subtractingAll(below: theirs.below))
        }
    }

    /// Walks both lists of nodes at once.
    private func joined(_ other: FieldSet, _ join: (Node?, Node?) -> Node?) -> FieldSet {
        var result = FieldSet()
        result.nodes.reserveCapacity(max(nodes.count, other.nodes.count))
        var (left, right) = (0, 0)
        while left < nodes.count || right < other.nodes.count {
            let node: Node?
            if right == other.nodes.count || left < nodes.count && nodes[left].step < other.nodes[right].step {
                node = join(nodes[left], nil)
                left += 1
            } else if left == nodes.count || other.nodes[right].step < nodes[left].step {
                node = join(nil, other.nodes[right])
                right += 1
            } else {
                node = join(nodes[left], other.nodes[right])
                left += 1
                right += 1
            }
            if let node, !node.isNothing { result.nodes.append(node) }
        }
        return result
    }
}
