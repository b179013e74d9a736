import Shared

/// The cluster as the scheduler sees it: nodes with their pods, changed by differences only, never built anew.
///
/// A pod that was placed counts at once, before the server confirms it; so the next pod sees the room gone.
struct Snapshot: Sendable {
    private(set) var nodes: [NodeSummary] = []
    private var positions: [String: Int] = [:]
    /// Where each pod is, or was decided to be.
    private var places: [String: String] = [:]
    /// Bound pods of nodes that are not known yet.
    private var early: [String: [String: PodDemand]] = [:]
    /// Nodes that have pods with affinity terms; only these are searched for terms that concern others.
    private(set) var affinityNodes: Set<String> = []

    func node(_ name: String) -> NodeSummary? { positions[name].map { nodes[$0] } }

    /// - Returns: true when the change may let a waiting pod fit.
    mutating func put(_ node: Node) -> Bool {
        if let position = positions[node.name] { return nodes[position].update(node) }
        positions[node.name] = nodes.count
        var summary = NodeSummary(node)
        for pod in (early.removeValue(forKey: node.name) ?? [:]).values { summary.add(pod) }
        nodes.append(summary)
        note(nodes.count - 1)
        return true
    }

    mutating func remove(node name: String) {
        guard let position = positions.removeValue(forKey: name) else { return }
        let gone = nodes[position]
        if !gone.pods.isEmpty { early[name] = gone.pods }
        affinityNodes.remove(name)
        let last = nodes.removeLast()
        if position < nodes.count {
            nodes[position] = last
            positions[last.name] = position
        }
    }

    /// Counts the pod on the node; it moves there when it was counted elsewhere.
    mutating func place(_ pod: PodDemand, on node: String) {
        if let before = places[pod.uid], before != node { remove(pod: pod.uid) }
        places[pod.uid] = node
        if let position = positions[node] {
            nodes[position].add(pod)
            note(position)
        } else {
            early[node, default: [:]][pod.uid] = pod
        }
    }

    /// - Returns: true when the pod took room, which is free now.
    @discardableResult
    mutating func remove(pod uid: String) -> Bool {
        guard let node = places.removeValue(forKey: uid) else { return false }
        if let position = positions[node] {
            nodes[position].remove(uid)
            note(position)
        } else {
            early[node]?[uid] = nil
            if early[node]?.isEmpty == true { early[node] = nil }
        }
        return true
    }

    func place(of uid: String) -> String? { places[uid] }

    private mutating func note(_ position: Int) {
        let node = nodes[position]
        if node.withAffinity.isEmpty { affinityNodes.remove(node.name) } else { affinityNodes.insert(node.name) }
    }
}
