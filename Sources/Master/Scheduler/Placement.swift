import Shared

/// Where a pod goes, or why it goes nowhere.
enum Placement: Equatable, Sendable {
    case node(String)
    case nowhere(Refusal)

    /// The refusals of all nodes.
    struct Refusal: Equatable, Sendable {
        /// Nodes per reason.
        var reasons: [String: Int] = [:]
        var nodes = 0
        /// Why no node is worth a look.
        var general: String?
        /// What came of the search for pods that could leave; empty when some were found.
        var preemption = ""
        /// Positions in the profile of the filters that refused.
        var refusers: Set<Int> = []
        /// Positions of the nodes whose refusal would end if pods left.
        var helpable: [Int] = []

        /// `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint {k: v}. preemption: …`
        var message: String {
            guard nodes > 0 else { return "no nodes available to schedule pods" }
            var message = "0/\(nodes) nodes are available:"
            if let general {
                message += " \(general)."
            } else if !reasons.isEmpty {
                message += " \(reasons.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", "))."
            }
            if !preemption.isEmpty { message += " preemption: \(preemption)" }
            return message
        }
    }
}

/// Chooses a node: filters, then scores, over arrays of both. Pure but for the place where the search starts, which
/// moves on so that all nodes get their turn.
struct Placer: Sendable {
    var start = 0
    private var random: any RandomNumberGenerator & Sendable

    init(random: any RandomNumberGenerator & Sendable) { self.random = random }

    mutating func place(
        _ pod: PodDemand, in snapshot: inout Snapshot, _ profile: Profile = .standard
    ) -> Placement {
        var refusal = Placement.Refusal(nodes: snapshot.nodes.count)
        guard !snapshot.nodes.isEmpty else { return .nowhere(refusal) }
        let cycle = Cycle(pod, &snapshot, profile)
        if let general = cycle.refusal {
            refusal.general = general
            refusal.refusers = Set(profile.filters.indices.filter { profile.filters[$0].wakes.contains(.volume) })
            return .nowhere(refusal)
        }
        // The node that others were asked to leave for this pod comes first.
        if let name = snapshot.nomination(of: pod.uid), let position = snapshot.position(of: name),
            profile.refusal(of: pod, on: snapshot.nodes[position], cycle, snapshot.nominated[name]) == nil
        {
            return .node(name)
        }
        let feasible = feasible(pod, snapshot, cycle, profile, &refusal)
        guard let first = feasible.first else { return .nowhere(refusal) }
        if feasible.count == 1 { return .node(snapshot.nodes[first].name) }
        return .node(snapshot.nodes[best(of: feasible, pod, snapshot, cycle, profile)].name)
    }

    private mutating func feasible(
        _ pod: PodDemand, _ snapshot: Snapshot, _ cycle: Cycle, _ profile: Profile,
        _ refusal: inout Placement.Refusal
    ) -> [Int] {
        let count = snapshot.nodes.count
        let filters = profile.filters.indices.filter { profile.filters[$0].matters(pod, cycle) }
        let enough = profile.enough(of: count)
        var found: [Int] = []
        if let names = cycle.onlyNodes {
            let positions = names.compactMap { snapshot.position(of: $0) }.sorted()
            for position in positions where admits(position, pod, snapshot, cycle, profile, filters, &refusal) {
                found.append(position)
            }
            if positions.count < count {
                refusal.reasons["node(s) didn't satisfy plugin(s) [NodeAffinity]", default: 0] +=
                    count - positions.count
                if let index = profile.filters.firstIndex(where: { $0.name == "NodeAffinity" }) {
                    refusal.refusers.insert(index)
                }
            }
            return found
        }
        var seen = 0
        while seen < count, found.count < enough {
            let position = (start + seen) % count
            seen += 1
            if admits(position, pod, snapshot, cycle, profile, filters, &refusal) { found.append(position) }
        }
        start = (start + seen) % count
        return found
    }

    private func admits(
        _ position: Int, _ pod: PodDemand, _ snapshot: Snapshot, _ cycle: Cycle, _ profile: Profile, _ filters: [Int],
        _ refusal: inout Placement.Refusal
    ) -> Bool {
        // Taken out once: a copy per question would cost more than the questions.
        let node = snapshot.nodes[position]
        let nominated = snapshot.nominated.isEmpty ? nil : snapshot.nominated[node.name]
        guard let (index, why) = profile.refusal(of: pod, on: node, cycle, nominated, filters) else { return true }
        for reason in why.reasons { refusal.reasons[reason, default: 0] += 1 }
        refusal.refusers.insert(index)
        if !why.isFinal { refusal.helpable.append(position) }
        return false
    }

    private mutating func best(
        of feasible: [Int], _ pod: PodDemand, _ snapshot: Snapshot, _ cycle: Cycle, _ profile: Profile
    ) -> Int {
        let candidates = feasible.map { snapshot.nodes[$0] }
        var totals = Array(repeating: 0, count: feasible.count)
        for score in profile.scores where score.matters(pod, cycle) {
            let scaled = score.scaled(score.values(pod, candidates, cycle))
            for index in totals.indices { totals[index] += scaled[index] * score.weight }
        }
        // Among equals each has the same chance.
        var best = 0
        var equals = 1
        for index in totals.indices.dropFirst() {
            if totals[index] > totals[best] {
                (best, equals) = (index, 1)
            } else if totals[index] == totals[best] {
                equals += 1
                if random.next() % UInt64(equals) == 0 { best = index }
            }
        }
        return feasible[best]
    }
}

extension Profile {
    /// The first filter that refuses, and why; nil when the node admits the pod.
    /// - Parameters:
    ///   - nominated: pods that the node's room is kept for; those of no less priority count as if they were there.
    ///   - filters: positions of the filters to ask; nil asks all.
    func refusal(
        of pod: PodDemand, on node: NodeSummary, _ cycle: Cycle, _ nominated: [String: PodDemand]?,
        _ filters: [Int]? = nil
    ) -> (Int, Filter.Refusal)? {
        let asked = filters ?? self.filters.indices.filter { self.filters[$0].matters(pod, cycle) }
        if let nominated {
            var full = node
            var isFuller = false
            for other in nominated.values where other.uid != pod.uid && other.priority >= pod.priority {
                full.add(other)
                isFuller = true
            }
            if isFuller, let refusal = first(of: asked, pod, full, cycle) { return refusal }
        }
        return first(of: asked, pod, node, cycle)
    }

    private func first(
        of asked: [Int], _ pod: PodDemand, _ node: NodeSummary, _ cycle: Cycle
    ) -> (Int, Filter.Refusal)? {
        for index in asked {
            if let refusal = filters[index].refusal(pod, node, cycle) { return (index, refusal) }
        }
        return nil
    }
}

/// Quick chances among equals; the system's generator costs a call to the kernel each. Source: Marsaglia, xorshift64.
struct Lottery: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter seed: not zero.
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
