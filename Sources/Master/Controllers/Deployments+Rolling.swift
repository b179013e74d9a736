import Shared

/// The strategies: RollingUpdate, Recreate, scaling in mid rollout, pause and rollback.
extension DeploymentPlan {
    // MARK: RollingUpdate

    mutating func roll() {
        settleNewSet(creating: true)
        guard let new = newSet else { return }
        if new.replicas != deployment.replicas {
            let wanted =
                new.replicas > deployment.replicas ? deployment.replicas : roomForNew(known: new.replicas)
            if wanted != new.replicas { return scale(new, to: wanted) }
        }
        if scaleDownOld(new) { return }
        if isComplete(observed) { cleanUp() }
    }

    /// Gives up old pods: first those that are not available anyway, then as many as availability allows.
    private mutating func scaleDownOld(_ new: ReplicaSet) -> Bool {
        let active = oldSets.filter { $0.replicas > 0 }
        guard !active.isEmpty else { return false }
        let minimum = deployment.replicas - deployment.maxUnavailable
        let missing = new.replicas - new.sureReplicas
        var spare = totalReplicas - minimum - missing
        guard spare > 0 else { return false }
        var changed = false
        for set in active where spare > 0 && set.replicas > set.status.availableReplicas {
            let count = min(spare, set.replicas - set.status.availableReplicas)
            scale(set, to: set.replicas - count)
            spare -= count
            changed = true
        }
        var surplus = sets.reduce(0) { $0 + $1.sureReplicas } - minimum
        for set in oldSets where surplus > 0 && set.replicas > 0 {
            let count = min(surplus, set.replicas)
            scale(set, to: set.replicas - count)
            surplus -= count
            changed = true
        }
        return changed
    }

    // MARK: Recreate

    mutating func recreate(_ livePods: Set<String>) {
        settleNewSet(creating: false)
        let running = oldSets.filter { $0.replicas > 0 }
        if !running.isEmpty {
            for set in running { scale(set, to: 0) }
            return
        }
        let own = newSet?.metadata.uid
        if oldSets.contains(where: { $0.status.replicas > 0 }) || livePods.contains(where: { $0 != own }) { return }
        settleNewSet(creating: true)
        if let new = newSet, new.replicas != deployment.replicas { scale(new, to: deployment.replicas) }
        if isComplete(observed) { cleanUp() }
    }

    // MARK: Scaling alone

    /// True when the user changed the number of replicas since the sets were last scaled.
    var isScaling: Bool {
        sets.contains { set in
            set.replicas > 0 && set.desiredReplicas.map { $0 != deployment.replicas } ?? false
        }
    }

    /// Brings the sets to the deployment's size without moving from one template to another.
    mutating func scaleOnly() {
        settleNewSet(creating: false)
        scaleProportionally()
        if deployment.isPaused, rollbackRevision == nil { cleanUp() }
        reportWithoutProgress()
    }

    private mutating func scaleProportionally() {
        let active = sets.filter { $0.replicas > 0 }
        if active.count <= 1 {
            let only = active.first ?? newSet ?? oldSets.last
            if let only, only.replicas != deployment.replicas || only.desiredReplicas != deployment.replicas {
                scale(only, to: deployment.replicas)
            }
            return
        }
        if let new = newSet, isSaturated(new) {
            for set in oldSets where set.replicas > 0 { scale(set, to: 0) }
            return
        }
        guard !deployment.isRecreate else { return }
        let allowed = deployment.replicas > 0 ? deployment.maxTotal : 0
        let toAdd = allowed - active.reduce(0) { $0 + $1.replicas }
        let ordered = active.sorted { left, right in
            if left.replicas != right.replicas { return left.replicas > right.replicas }
            return toAdd > 0 ? ReplicaSet.isOlder(right, left) : ReplicaSet.isOlder(left, right)
        }
        var added = 0
        var sizes = ordered.map(\.replicas)
        if toAdd != 0 {
            for (index, set) in ordered.enumerated() {
                let part = proportion(of: set, toAdd: toAdd, added: added)
                sizes[index] += part
                added += part
            }
            sizes[0] = max(0, sizes[0] + toAdd - added)
        }
        for (set, size) in zip(ordered, sizes) { scale(set, to: size) }
    }

    /// True when the set alone carries the whole deployment.
    private func isSaturated(_ set: ReplicaSet) -> Bool {
        set.desiredReplicas == deployment.replicas && set.replicas == deployment.replicas
            && set.status.availableReplicas == deployment.replicas
    }

    /// The share of a set in growth or shrinkage, by its share in the size that it was scaled for.
    private func proportion(of set: ReplicaSet, toAdd: Int, added: Int) -> Int {
        let left = toAdd - added
        guard set.replicas > 0, left != 0 else { return 0 }
        let share: Int
        if deployment.replicas == 0 {
            share = -set.replicas
        } else {
            let before = set.maximumReplicas ?? deployment.status.replicas
            guard before > 0 else { return 0 }
            let size = Double(set.replicas) * Double(deployment.maxTotal) / Double(before)
            share = (Int(exactly: size.rounded(.toNearestOrAwayFromZero)) ?? set.replicas) - set.replicas
        }
        return toAdd > 0 ? min(share, left) : max(share, left)
    }

    // MARK: Pause

    mutating func notePause() {
        guard deployment.progressDeadlineSeconds != nil else { return }
        let known = status.conditions.first("Progressing")
        if known?.reason == "ProgressDeadlineExceeded" { return }
        let isNoted = known?.reason == "DeploymentPaused"
        if deployment.isPaused, !isNoted { progress(nil, "DeploymentPaused", "Deployment is paused") }
        if !deployment.isPaused, isNoted { progress(nil, "DeploymentResumed", "Deployment is resumed") }
    }

    // MARK: Rollback by annotation

    /// The revision that `deprecated.deployment.rollback.to` asks for; 0 means the one before.
    var rollbackRevision: Int? {
        deployment.metadata.annotations[DeploymentAnnotation.rollback].flatMap { Int($0) }
    }

    mutating func rollBack(to wanted: Int) {
        settleNewSet(creating: true)
        var copy = deployment
        var annotations = copy.metadata.annotations
        annotations[DeploymentAnnotation.rollback] = nil
        let revisions = sets.map(\.deploymentRevision).sorted()
        let revision = wanted == 0 ? (revisions.count > 1 ? revisions[revisions.count - 2] : 0) : wanted
        if revision == 0 {
            step(
                .event(.warning, reason: "DeploymentRollbackRevisionNotFound", message: "Unable to find last revision.")
            )
        } else if let target = sets.first(where: { $0.deploymentRevision == revision }) {
            if target.template.isSame(as: deployment.template) {
                let message =
                    "The rollback revision contains the same template as current deployment \"\(deployment.name)\""
                step(.event(.warning, reason: "DeploymentRollbackTemplateUnchanged", message: message))
            } else {
                copy.template = target.template.withoutHash
                annotations = annotations.filter { DeploymentAnnotation.own.contains($0.key) }
                for (key, value) in target.metadata.annotations where !DeploymentAnnotation.own.contains(key) {
                    annotations[key] = value
                }
                let message = "Rolled back deployment \"\(deployment.name)\" to revision \(revision)"
                step(.event(.normal, reason: "DeploymentRollback", message: message))
            }
        } else {
            step(
                .event(
                    .warning, reason: "DeploymentRollbackRevisionNotFound",
                    message: "Unable to find the revision to rollback to."))
        }
        copy.metadata.annotations = annotations
        step(.rewrite(copy))
    }
}

extension ReplicaSet {
    /// Available pods that stay when the set has come to its size. Kubernetes counts those about to go as well, and so
    /// may fall below the minimum while a set still shrinks.
    fileprivate var sureReplicas: Int { min(replicas, status.availableReplicas) }
}
