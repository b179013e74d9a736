import Shared

extension Limits {
    /// Pods that one reconciliation of a workload creates or deletes at most; the rest follows in the next round.
    /// Source: `BurstReplicas` of the replica set controller.
    static let burstPodsMax = 500
    /// Requests that one reconciliation has in flight at most.
    static let parallelWritesMax = 64
    /// Length of the history annotation of a replica set, characters; older revisions drop out.
    static let revisionHistoryCharactersMax = 2000
    /// Endpoints in one slice; more go to the next one. Source: `--max-endpoints-per-slice`.
    static let endpointsPerSliceMax = 100
    /// Addresses in one Endpoints object; what is beyond is left out and the object says so. Source: KEP-2595.
    static let endpointsAddressesMax = 1000
    /// Pods of a job whose end is recorded in one status update. Source: `MaxUncountedPods`.
    static let uncountedPodsMax = 500
    /// Objects of one kind that namespace deletion removes in a round.
    static let namespaceRoundMax = 5000
    /// Longest chain of owners that the garbage collector follows; a longer one counts as a cycle.
    static let ownerChainMax = 100
    /// Dependents that one round of the garbage collector looks at; the rest follows in the next.
    static let dependentsRoundMax = 1000
    /// Finished pods that are kept in the whole cluster; the oldest go first.
    /// Source: `--terminated-pod-gc-threshold`.
    static let finishedPodsMax = 12_500
}
