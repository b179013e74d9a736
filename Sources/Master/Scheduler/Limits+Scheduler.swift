import Shared

extension Limits {
    /// Bindings that are on their way at the same time.
    static let parallelBindingsMax = 32
    /// Nodes that are always looked at before a pod is placed; of more nodes only a share is tried.
    /// Source: `minFeasibleNodesToFind`.
    static let feasibleNodesMin = 100
    /// Least share of the nodes that is tried, percent.
    static let feasibleNodesPercentMin = 5
    /// Pods without a place that are remembered; beyond it a pod is simply tried again after its back-off.
    static let waitingPodsMax = 100_000
}
