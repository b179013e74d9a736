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
    /// Pods that wait for others to leave the node, by node and uid; their room is kept from pods of less priority.
    private(set) var nominated: [String: [String: PodDemand]] = [:]
    private var nominations: [String: String] = [:]
    /// Labels of the namespaces.
    var namespaces: [String: [String: String]] = [:]
    var volumes = VolumeIndex()

    private var podCounts = PodCounts()
    private var holders: [HeldTerm: Holders] = [:]
    /// Topology key → value → nodes, for the keys that were asked for.
    private var domainsByKey: [String: [String: Int]] = [:]
    /// Nodes that have an image, by its name.
    private(set) var imageNodes: [String: Int] = [:]

    func node(_ name: String) -> NodeSummary? { positions[name].map { nodes[$0] } }
    func position(of name: String) -> Int? { positions[name] }
    func place(of uid: String) -> String? { places[uid] }
    /// The reading of a pod that is on a node.
    func pod(_ uid: String) -> PodDemand? {
        guard let node = places[uid] else { return nil }
        return positions[node].map { nodes[$0].pods[uid] } ?? early[node]?[uid]
    }

    // MARK: Nodes

    /// - Returns: what changed, when that may let a waiting pod fit.
    mutating func put(_ node: Node) -> ClusterEvent? {
        if let position = positions[node.name] {
            let before = nodes[position].update(node)
            let shape = nodes[position].shape
            if before.images != shape.images {
                count(before.images, by: -1)
                count(shape.images, by: 1)
            }
            if before.labels != shape.labels { forgetPlaces() }
            return before.isLike(shape) ? nil : .node(nodes[position], isMoved: before.labels != shape.labels)
        }
        positions[node.name] = nodes.count
        nodes.append(NodeSummary(node))
        domainsByKey = [:]
        count(nodes[nodes.count - 1].shape.images, by: 1)
        for pod in (early.removeValue(forKey: node.name) ?? [:]).values { add(pod, at: nodes.count - 1) }
        return .node(nodes[nodes.count - 1], isMoved: true)
    }

    mutating func remove(node name: String) {
        guard let position = positions[name] else { return }
        let gone = nodes[position].pods
        for uid in gone.keys { remove(uid, at: position) }
        if !gone.isEmpty { early[name] = gone }
        count(nodes[position].shape.images, by: -1)
        positions[name] = nil
        domainsByKey = [:]
        let last = nodes.removeLast()
        if position < nodes.count {
            nodes[position] = last
            positions[last.name] = position
        }
    }

    private mutating func count(_ images: [String: Int], by difference: Int) {
        for name in images.keys { imageNodes.change(name, by: difference) }
    }

    private mutating func forgetPlaces() {
        domainsByKey = [:]
        podCounts.forgetPlaces()
        for term in Array(holders.keys) { holders[term]?.forgetPlaces() }
    }

    // MARK: Pods

    /// Counts the pod on the node; it moves there when it was counted elsewhere.
    mutating func place(_ pod: PodDemand, on node: String) {
        if places[pod.uid] != nil { remove(pod: pod.uid) }
        withdraw(pod.uid)
        places[pod.uid] = node
        for claim in pod.claims { volumes.use(claim, by: pod) }
        if let position = positions[node] {
            add(pod, at: position)
        } else {
            early[node, default: [:]][pod.uid] = pod
        }
    }

    /// - Returns: the pod when it took room, which is free now.
    @discardableResult
    mutating func remove(pod uid: String) -> PodDemand? {
        guard let node = places.removeValue(forKey: uid) else { return nil }
        let pod: PodDemand?
        if let position = positions[node] {
            pod = remove(uid, at: position)
        } else {
            pod = early[node]?.removeValue(forKey: uid)
            if early[node]?.isEmpty == true { early[node] = nil }
        }
        if let pod { for claim in pod.claims { volumes.unuse(claim, by: pod) } }
        return pod
    }

    private mutating func add(_ pod: PodDemand, at position: Int) {
        nodes[position].add(pod)
        note(pod, at: position, by: 1)
    }

    @discardableResult
    private mutating func remove(_ uid: String, at position: Int) -> PodDemand? {
        guard let pod = nodes[position].remove(uid) else { return nil }
        note(pod, at: position, by: -1)
        return pod
    }

    /// Brings the counts by label up to date.
    private mutating func note(_ pod: PodDemand, at position: Int, by difference: Int) {
        let shape = nodes[position].shape
        podCounts.change(PodMark(pod), by: difference, on: shape)
        guard !pod.affinity.isEmpty else { return }
        for held in pod.affinity.held {
            holders[held, default: Holders()].change(by: difference, on: shape, key: held.term.topologyKey)
            if holders[held]?.perNode.isEmpty == true { holders[held] = nil }
        }
    }

    // MARK: Nominations

    mutating func nominate(_ pod: PodDemand, for node: String) {
        withdraw(pod.uid)
        nominations[pod.uid] = node
        nominated[node, default: [:]][pod.uid] = pod
    }
    /// - Returns: the pod when it had been nominated.
    @discardableResult
    mutating func withdraw(_ uid: String) -> PodDemand? {
        guard let node = nominations.removeValue(forKey: uid) else { return nil }
        let pod = nominated[node]?.removeValue(forKey: uid)
        if nominated[node]?.isEmpty == true { nominated[node] = nil }
        return pod
    }
    func nomination(of uid: String) -> String? { nominations[uid] }

    // MARK: Counts

    /// Pods of the class by value of a node label; values without a pod are absent.
    mutating func counts(of pods: PodClass, by key: String) -> [String: Int] {
        podCounts.counts(of: pods, by: key) { [positions, nodes] name in
            positions[name].flatMap { nodes[$0].labels[key] }
        }
    }
    /// Pods of the class by name of the node; nodes without a pod are absent.
    mutating func counts(of pods: PodClass) -> [String: Int] { podCounts.counts(of: pods) }

    /// Nodes by value of a label.
    mutating func domains(by key: String) -> [String: Int] {
        if let known = domainsByKey[key] { return known }
        var counts: [String: Int] = [:]
        for node in nodes { if let value = node.labels[key] { counts[value, default: 0] += 1 } }
        domainsByKey[key] = counts
        return counts
    }

    /// The wishes of pods on nodes that concern `pod`, with the places of those who have them.
    mutating func wishes(about pod: PodDemand) -> [(held: HeldTerm, places: [String: Int])] {
        guard !holders.isEmpty else { return [] }
        var result: [(HeldTerm, [String: Int])] = []
        for held in Array(holders.keys) where held.term.matches(pod, namespaces) {
            let key = held.term.topologyKey
            let places =
                holders[held]?.counts(by: key) { [positions, nodes] name in
                    positions[name].flatMap { nodes[$0].labels[key] }
                } ?? [:]
            result.append((held, places))
        }
        return result
    }
}
