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
        /// What may change the answer.
        var wakes: ClusterChange = []

        /// `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint {k: v}.`
        var message: String {
            guard nodes > 0 else { return "no nodes available to schedule pods" }
            let parts = reasons.map { "\($0.value) \($0.key)" }.sorted()
            return "0/\(nodes) nodes are available: \(parts.joined(separator: ", "))."
        }
    }
}

/// Chooses a node: filters, then scores, over arrays of both. Pure but for the place where the search starts, which
/// moves on so that all nodes get their turn.
struct Placer: Sendable {
    let filters: [Filter]
    let scores: [Score]
    private var start = 0
    private var random: any RandomNumberGenerator & Sendable

    init(
        filters: [Filter] = Filter.standard, scores: [Score] = Score.standard,
        random: any RandomNumberGenerator & Sendable = Lottery(seed: .random(in: 1 ... .max))
    ) {
        self.filters = filters
        self.scores = scores
        self.random = random
    }

    mutating func place(_ pod: PodDemand, in snapshot: Snapshot) -> Placement {
        let cycle = Cycle(pod, snapshot)
        var refusal = Placement.Refusal(nodes: snapshot.nodes.count, wakes: .node)
        let feasible = feasible(pod, snapshot, cycle, &refusal)
        guard let first = feasible.first else { return .nowhere(refusal) }
        if feasible.count == 1 { return .node(snapshot.nodes[first].name) }
        return .node(snapshot.nodes[best(of: feasible, pod, snapshot, cycle)].name)
    }

    /// How many nodes are enough to choose among. Source: `numFeasibleNodesToFind`.
    static func enough(of count: Int) -> Int {
        guard count > Limits.feasibleNodesMin else { return count }
        let percent = max(Limits.feasibleNodesPercentMin, 50 - count / 125)
        return max(Limits.feasibleNodesMin, count * percent / 100)
    }

    private mutating func feasible(
        _ pod: PodDemand, _ snapshot: Snapshot, _ cycle: Cycle, _ refusal: inout Placement.Refusal
    ) -> [Int] {
        let count = snapshot.nodes.count
        guard count > 0 else { return [] }
        let enough = Placer.enough(of: count)
        var found: [Int] = []
        var seen = 0
        while seen < count, found.count < enough {
            let index = (start + seen) % count
            seen += 1
            // Taken out once: a copy per question would cost more than the questions.
            let node = snapshot.nodes[index]
            if let refuser = filters.first(where: { refuses($0, pod, node, cycle, &refusal) }) {
                refusal.wakes.formUnion(refuser.wakes)
            } else {
                found.append(index)
            }
        }
        start = (start + seen) % count
        return found
    }

    private func refuses(
        _ filter: Filter, _ pod: PodDemand, _ node: NodeSummary, _ cycle: Cycle, _ refusal: inout Placement.Refusal
    ) -> Bool {
        let reasons = filter.refusals(pod, node, cycle)
        for reason in reasons { refusal.reasons[reason, default: 0] += 1 }
        return !reasons.isEmpty
    }

    private mutating func best(of feasible: [Int], _ pod: PodDemand, _ snapshot: Snapshot, _ cycle: Cycle) -> Int {
        let asked = scores.filter { $0.matters(pod, cycle) }
        var values = asked.map { _ in Array(repeating: 0.0, count: feasible.count) }
        for (index, position) in feasible.enumerated() {
            let node = snapshot.nodes[position]
            for number in asked.indices { values[number][index] = asked[number].value(pod, node, cycle) }
        }
        var totals = Array(repeating: 0.0, count: feasible.count)
        for (score, values) in zip(asked, values) {
            let scaled = score.scaled(values)
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
