import Shared

extension Limits {
    /// Bindings that are on their way at the same time.
    static let parallelBindingsMax = 32
    /// Nodes that are always looked at before a pod is placed; of more nodes only a share is tried.
    /// Source: `minFeasibleNodesToFind`.
    static let feasibleNodesMin = 100
    /// Least share of the nodes that is tried, percent.
    static let feasibleNodesPercentMin = 5
    /// Pods without a place that are remembered; beyond it a pod is tried again when its object changes.
    static let waitingPodsMax = 100_000
    /// Counts of pods by label that are kept up to date; beyond it those that were not asked for lately are dropped.
    static let talliesMax = 256
    /// Nodes on which preemption is tried for one pod. Source: `minCandidateNodesAbsolute`.
    static let preemptionNodesMin = 100
    /// Share of the nodes on which preemption is tried, percent. Source: `minCandidateNodesPercentage`.
    static let preemptionNodesPercent = 10
    /// How long a pod without a place waits for a change that may help before it is tried anyway.
    /// Source: `podMaxInUnschedulablePodsDuration`.
    static let parkedPodWait = Duration.seconds(300)
    /// How long a pod that has its node waits for its volumes. Source: `bindTimeoutSeconds`.
    static let volumeBindingWait = Duration.seconds(600)
    /// Size of a scheduler configuration file, bytes; a larger one is refused.
    static let schedulerConfigurationBytesMax = 1 << 20
}
