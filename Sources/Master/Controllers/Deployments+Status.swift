import Shared

/// What the deployment says about itself; `kubectl rollout status` and `kubectl wait` read it.
extension DeploymentPlan {
    /// Sets the condition Progressing; a changed reason moves its time of update.
    mutating func progress(_ value: Bool?, _ reason: String, _ message: String) {
        var condition = Condition("Progressing", value, reason: reason, message: message, since: now)
        condition.lastUpdateTime = now
        setConditions { conditions in
            let known = conditions.first("Progressing")
            if let known, known.status == condition.status, known.reason == condition.reason { return }
            conditions.put(condition)
        }
    }

    /// The status that the sets amount to, with the conditions of this plan.
    var observed: DeploymentStatus {
        var status = status
        let available = sets.reduce(0) { $0 + $1.status.availableReplicas }
        status.observedGeneration = deployment.metadata.generation
        status.replicas = sets.reduce(0) { $0 + $1.status.replicas }
        status.updatedReplicas = newSet?.status.replicas ?? 0
        status.readyReplicas = sets.reduce(0) { $0 + $1.status.readyReplicas }
        status.availableReplicas = available
        status.unavailableReplicas = max(0, totalReplicas - available)
        var conditions = status.conditions
        let isEnough = available >= deployment.replicas - deployment.maxUnavailable
        var condition = Condition(
            "Available", isEnough, reason: isEnough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            message: "Deployment \(isEnough ? "has" : "does not have") minimum availability.", since: now)
        condition.lastUpdateTime = now
        let known = conditions.first("Available")
        if known?.status != condition.status || known?.reason != condition.reason { conditions.put(condition) }
        status.conditions = conditions
        return status
    }

    /// All pods are of the current template, available, and no others are left.
    func isComplete(_ status: DeploymentStatus) -> Bool {
        status.updatedReplicas == deployment.replicas && status.replicas == deployment.replicas
            && status.availableReplicas == deployment.replicas
            && status.observedGeneration >= deployment.metadata.generation
    }

    mutating func reportWithoutProgress() {
        setStatus(observed)
        finish()
    }

    /// The status of a running rollout: complete, progressing, or stuck.
    mutating func reportProgress() {
        setStatus(observed)
        if let deadline = deployment.progressDeadlineSeconds {
            judge(deadline)
        } else {
            setConditions { $0.remove("Progressing") }
        }
        let failure = replicaFailure
        setConditions { conditions in
            guard let failure else { return conditions.remove("ReplicaFailure") }
            let known = conditions.first("ReplicaFailure")
            // The first message of a reason stays.
            if known?.status != failure.status || known?.reason != failure.reason { conditions.put(failure) }
        }
        finish()
    }

    private mutating func finish() {
        if status != deployment.status { step(.status(status)) }
    }

    private mutating func judge(_ deadline: Int) {
        let known = deployment.status.conditions.first("Progressing")
        let subject = newSet.map { "ReplicaSet \"\($0.name)\"" } ?? "Deployment \"\(deployment.name)\""
        let isSettled =
            status.replicas == status.updatedReplicas && known?.reason == "NewReplicaSetAvailable"
            && status.conditions.first("Progressing")?.reason == "NewReplicaSetAvailable"
        guard !isSettled else { return }
        if isComplete(status) {
            progress(true, "NewReplicaSetAvailable", "\(subject) has successfully progressed.")
        } else if isProgressing {
            var condition = Condition(
                "Progressing", true, reason: "ReplicaSetUpdated", message: "\(subject) is progressing.", since: now)
            condition.lastUpdateTime = now
            setConditions { $0.put(condition) }
        } else if isTimedOut(deadline) {
            progress(false, "ProgressDeadlineExceeded", "\(subject) has timed out progressing.")
        }
        let current = status.conditions.first("Progressing")
        if let current, current.reason != "ProgressDeadlineExceeded", !isComplete(status),
            let from = current.lastUpdateTime
        {
            // Times on the wire are whole seconds: one more, so that the deadline is surely over.
            lookAgain(after: max(.seconds(1), from + .seconds(deadline + 1) - now))
        }
    }

    private var isProgressing: Bool {
        let old = deployment.status
        let oldLeft = old.replicas - old.updatedReplicas
        return status.updatedReplicas > old.updatedReplicas || status.replicas - status.updatedReplicas < oldLeft
            || status.readyReplicas > old.readyReplicas || status.availableReplicas > old.availableReplicas
    }

    private func isTimedOut(_ deadline: Int) -> Bool {
        guard let current = status.conditions.first("Progressing"), current.reason != "NewReplicaSetAvailable",
            let from = current.lastUpdateTime
        else { return false }
        return current.reason == "ProgressDeadlineExceeded" || from + .seconds(deadline) < now
    }

    /// A failure to make pods, told by the newest set first.
    private var replicaFailure: Condition? {
        let candidates = (newSet.map { [$0] } ?? []) + oldSets
        guard var failure = candidates.lazy.compactMap({ $0.status.conditions.first("ReplicaFailure") }).first else {
            return nil
        }
        failure.lastUpdateTime = failure.lastTransitionTime
        return failure
    }
}
