import Shared

/// What one reconciliation of a replicated workload does about its pods.
struct ReplicaPlan: Equatable {
    /// Pods to create, at most a burst.
    var create = 0
    /// Pods to delete, the least loss first, at most a burst.
    var delete: [Pod] = []

    /// - Parameters:
    ///   - pods: the active pods that belong to the set.
    ///   - related: active pods of all sets of the same owner; they tell where pods are doubled up. Asked for only when
    ///     some pods go and others stay.
    init(replicas: Int, pods: [Pod], related: @autoclosure () -> [Pod]) {
        let surplus = pods.count - max(0, replicas)
        if surplus < 0 {
            create = min(-surplus, Limits.burstPodsMax)
        } else if surplus > 0 {
            let ranked = surplus < pods.count ? PodRanking(related: related()).sorted(pods) : pods
            delete = Array(ranked.prefix(min(surplus, Limits.burstPodsMax)))
        }
    }
}

extension Replicated {
    /// The status that the pods amount to.
    /// - Parameters:
    ///   - pods: the active pods that belong to the set.
    ///   - failure: why pods could not be created or deleted just now.
    func status(of pods: [Pod], failure: String?, now: Timestamp) -> ReplicaStatus {
        var status = status
        let labels = template.metadata.labels
        let seconds = minReadySeconds
        status.replicas = pods.count
        status.fullyLabeledReplicas = pods.count { pod in
            let own = pod.metadata.labels
            return labels.allSatisfy { own[$0.key] == $0.value }
        }
        status.readyReplicas = pods.count { $0.isReady }
        status.availableReplicas = pods.count { $0.isAvailable(after: seconds, now: now) }
        status.observedGeneration = metadata.generation
        var conditions = status.conditions
        let known = conditions.first("ReplicaFailure")
        if let failure {
            if known == nil {
                let reason = pods.count < replicas ? "FailedCreate" : "FailedDelete"
                conditions.append(Condition("ReplicaFailure", true, reason: reason, message: failure, since: now))
            }
        } else if known != nil {
            conditions.remove("ReplicaFailure")
        }
        status.conditions = conditions
        return status
    }

    /// When the next ready pod turns available; nil when there is none to wait for.
    func nextAvailability(of pods: [Pod], now: Timestamp) -> Duration? {
        let seconds = minReadySeconds
        guard seconds > 0 else { return nil }
        return pods.compactMap { pod -> Duration? in
            guard let since = pod.readySince else { return nil }
            let wait = since + .seconds(seconds) - now
            return wait > .zero ? wait : nil
        }.min()
    }
}
