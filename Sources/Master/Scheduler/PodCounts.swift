import Shared

/// What selectors can tell of a pod; pods that share it are counted together.
struct PodMark: Hashable, Sendable {
    let namespace: String
    let labels: [String: String]
    let isDeleting: Bool

    init(_ pod: PodDemand) {
        namespace = pod.namespace
        labels = pod.labels
        isDeleting = pod.isDeleting
    }
}

/// How many pods of which marks are on which nodes. A class that is asked for the first time is matched with the marks
/// that there are, and a mark that comes first with the classes, never pod by pod: thousands of pods have the marks of
/// a few workloads.
struct PodCounts: Sendable {
    private struct Group {
        var perNode: [String: Int] = [:]
        /// Positions of the tallies that count these pods.
        var tallies: [Int]
    }
    private var groups: [PodMark: Group] = [:]
    private var tallies: [Tally] = []
    private var positions: [PodClass: Int] = [:]
    private var turn = 0

    /// Counts pods of one mark that come to a node, or leave it with a negative difference.
    mutating func change(_ mark: PodMark, by difference: Int, on node: NodeShape) {
        var group =
            groups.removeValue(forKey: mark)
            ?? Group(tallies: tallies.indices.filter { tallies[$0].pods.matches(mark) })
        group.perNode.change(node.name, by: difference)
        for position in group.tallies { tallies[position].change(by: difference, on: node) }
        if !group.perNode.isEmpty { groups[mark] = group }
    }

    /// Pods of the class by name of the node; nodes without a pod are absent.
    mutating func counts(of pods: PodClass) -> [String: Int] { tallies[position(of: pods)].perNode }

    /// Pods of the class by value of a node label; values without a pod are absent.
    /// - Parameter label: the label of the named node.
    mutating func counts(of pods: PodClass, by key: String, label: (_ node: String) -> String?) -> [String: Int] {
        let position = position(of: pods)
        return tallies[position].counts(by: key, label: label)
    }

    /// To be called when labels of nodes change.
    mutating func forgetPlaces() {
        for position in tallies.indices { tallies[position].forgetPlaces() }
    }

    private mutating func position(of pods: PodClass) -> Int {
        turn += 1
        if let known = positions[pods] {
            tallies[known].lastUsed = turn
            return known
        }
        if tallies.count >= Limits.talliesMax { dropOld() }
        var perNode: [String: Int] = [:]
        for (mark, group) in groups where pods.matches(mark) {
            perNode.merge(group.perNode, uniquingKeysWith: +)
            groups[mark]?.tallies.append(tallies.count)
        }
        tallies.append(Tally(pods, perNode: perNode, lastUsed: turn))
        positions[pods] = tallies.count - 1
        return tallies.count - 1
    }

    /// Forgets the half of the tallies that was not asked for lately.
    private mutating func dropOld() {
        let kept = tallies.indices.sorted { tallies[$0].lastUsed > tallies[$1].lastUsed }.prefix(Limits.talliesMax / 2)
        let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($0.element, $0.offset) })
        tallies = kept.map { tallies[$0] }
        positions = positions.compactMapValues { places[$0] }
        groups = groups.mapValues { Group(perNode: $0.perNode, tallies: $0.tallies.compactMap { places[$0] }) }
    }
}
