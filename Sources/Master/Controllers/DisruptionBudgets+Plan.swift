import Shared

/// What a PodDisruptionBudget says about its pods. Pure. Source: `disruption.go` of kube-controller-manager.
struct BudgetPlan: Equatable {
    /// An eviction that was granted but not carried out is forgotten after this time. Source: `DeletionTimeout`.
    static let evictionTimeout = Duration.seconds(120)

    var status: JSON
    /// Pods whose eviction was granted long ago and that are still there.
    var overdue: [Pod] = []
    /// When the next granted eviction is to be forgotten.
    var again: Duration?

    /// How many pods there should be, and how many of them well.
    struct Expectation: Equatable {
        var pods: Int
        var healthy: Int
    }

    /// - Parameters:
    ///   - pods: all pods that the budget selects.
    ///   - replicas: the wanted count over all controllers of the pods; needed unless `minAvailable` is a number.
    static func expectation(_ budget: PodDisruptionBudget, pods: [Pod], replicas: Int) -> Expectation {
        if let bound = budget.maxUnavailable {
            return Expectation(pods: replicas, healthy: max(0, replicas - max(0, bound.of(replicas, rounding: .up))))
        }
        switch budget.minAvailable {
        case .count(let count)?: return Expectation(pods: pods.count, healthy: count)
        case .percent?:
            return Expectation(pods: replicas, healthy: budget.minAvailable?.of(replicas, rounding: .up) ?? 0)
        case nil: return Expectation(pods: pods.count, healthy: 0)
        }
    }

    /// Whether the wanted counts of the pods' controllers are needed.
    static func needsReplicas(_ budget: PodDisruptionBudget) -> Bool {
        if budget.maxUnavailable != nil { return true }
        if case .percent? = budget.minAvailable { return true }
        return false
    }

    init(_ budget: PodDisruptionBudget, pods: [Pod], expected: Expectation, now: Timestamp) {
        var disrupted: [String: Timestamp] = [:]
        let granted = budget.disruptedPods
        for pod in pods where !pod.metadata.isDeleting {
            guard let time = granted[pod.name] else { continue }
            let left = time + BudgetPlan.evictionTimeout - now
            if left < .zero {
                overdue.append(pod)
            } else {
                disrupted[pod.name] = time
                again = again.map { min($0, left) } ?? max(.milliseconds(1), left)
            }
        }
        let healthy = pods.count { $0.isReady && !$0.metadata.isDeleting && disrupted[$0.name] == nil }
        let room = healthy.subtractingReportingOverflow(expected.healthy)
        let allowed = expected.pods <= 0 || room.overflow ? 0 : max(0, room.partialValue)
        status = [
            "observedGeneration": JSON(budget.metadata.generation), "disruptionsAllowed": JSON(allowed),
            "currentHealthy": JSON(healthy), "desiredHealthy": JSON(expected.healthy),
            "expectedPods": JSON(expected.pods),
        ]
        if !disrupted.isEmpty { status["disruptedPods"] = JSON(disrupted.mapValues(\.rfc3339)) }
        let reason = allowed > 0 ? "SufficientPods" : "InsufficientPods"
        status["conditions"] = BudgetPlan.conditions(
            budget, allowed > 0, reason: reason, message: "", generation: budget.metadata.generation, now: now)
    }

    /// The status when the wanted counts cannot be found out: nothing may be disrupted.
    static func unknown(_ budget: PodDisruptionBudget, because message: String, now: Timestamp) -> JSON {
        var status = budget.status
        status["disruptionsAllowed"] = 0
        for key in ["currentHealthy", "desiredHealthy", "expectedPods"] where status[key].isNull { status[key] = 0 }
        status["conditions"] = conditions(
            budget, false, reason: "SyncFailed", message: message,
            generation: status["observedGeneration"].int ?? 0, now: now)
        return status
    }

    /// The conditions with `DisruptionAllowed` as given. Source: metav1.Condition, which always writes its message.
    private static func conditions(
        _ budget: PodDisruptionBudget, _ isAllowed: Bool, reason: String, message: String, generation: Int,
        now: Timestamp
    ) -> JSON {
        var conditions = budget.conditions
        var condition = Condition("DisruptionAllowed", isAllowed, reason: reason, since: now)
        condition.json["message"] = .string(message)
        if generation != 0 { condition.json["observedGeneration"] = JSON(generation) }
        conditions.put(condition)
        return .array(conditions.map(\.json))
    }
}
