import Shared

/// How pods of one `spec.schedulerName` are placed.
struct Profile: Sendable {
    /// A topology over which pods are spread that say nothing of it themselves.
    struct SpreadDefault: Sendable {
        let topologyKey: String
        let maxSkew: Int
        let isRequired: Bool
    }
    let name: String
    var filters = Filter.standard
    var scores = Score.standard
    /// What a required affinity term of another pod weighs in the score. Source: `hardPodAffinityWeight`.
    var hardAffinityWeight = 1
    /// Source: `systemDefaultConstraints`.
    var defaultSpread = [
        SpreadDefault(topologyKey: "kubernetes.io/hostname", maxSkew: 3, isRequired: false),
        SpreadDefault(topologyKey: "topology.kubernetes.io/zone", maxSkew: 5, isRequired: false),
    ]
    /// Whether `defaultSpread` is the built-in one, for which a node need not have all the labels.
    var isSystemSpread = true
    /// Whether pods of lower priority are asked to leave.
    var preempts = true
    var preemptionNodesPercent = Limits.preemptionNodesPercent
    var preemptionNodesMin = Limits.preemptionNodesMin
    /// Share of the nodes that is searched for room, percent; 0 lets the number of nodes decide.
    var searchedPercent = 0

    init(_ name: String) { self.name = name }

    static let standard = Profile(Scheduler.name)

    /// How many nodes with room are enough to choose among. Source: `numFeasibleNodesToFind`.
    func enough(of count: Int) -> Int {
        guard count > Limits.feasibleNodesMin, searchedPercent < 100 else { return count }
        let percent =
            searchedPercent > 0 ? searchedPercent : max(Limits.feasibleNodesPercentMin, 50 - count / 125)
        return max(Limits.feasibleNodesMin, count * percent / 100)
    }
}
