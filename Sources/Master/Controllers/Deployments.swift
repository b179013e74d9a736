import Shared

/// Moves a Deployment's pods from one template to the next through replica sets.
struct Deployments: Reconciler {
    let client: Client
    let deployments: Informer<Deployment>
    let sets: Informer<ReplicaSet>
    let pods: Informer<Pod>
    let recorder: Recorder
    let clock: any WallClock
    let fence = Fence()
    /// Keeps own writes to the deployment itself apart from those to its sets, which are another cache.
    let ownFence = Fence()

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let deployment = deployments.get(namespace: key.namespace, name: key.name) else {
            fence.forget(key)
            ownFence.forget(key)
            return .settled
        }
        guard let selector = deployment.selector, !selector.isEmpty else { return try await refuse(deployment) }
        let known = sets.list(index: OwnerIndex.controller, deployment.metadata.uid)
        guard fence.isPassed(key, at: sets.revision, present: known),
            ownFence.isPassed(key, at: deployments.revision, present: [deployment])
        else { return .settled }
        let candidates = known + sets.list(index: OwnerIndex.orphan, deployment.namespace)
        let claim = Ownership(of: deployment, selector: selector, among: candidates)
        let owned = try await client.apply(claim, owner: deployment)
        let plan = DeploymentPlan(
            deployment, sets: owned, livePods: deployment.isRecreate ? livePods(owned) : [], now: clock.now())
        try await perform(plan, key)
        return plan.again.map { .again(after: $0) } ?? .settled
    }

    /// Uids of the sets that have pods which may still run.
    private func livePods(_ owned: [ReplicaSet]) -> Set<String> {
        Set(
            owned.map(\.metadata.uid).filter { uid in
                pods.list(index: PodIndex.controller, uid).contains { !$0.isFinished }
            })
    }

    private func refuse(_ deployment: Deployment) async throws -> Outcome {
        recorder.event(
            deployment, .warning, "SelectingAll",
            "This deployment is selecting all pods. A non-empty selector is required.")
        guard deployment.status.observedGeneration < deployment.metadata.generation else { return .settled }
        var update = deployment
        update.status.observedGeneration = deployment.metadata.generation
        _ = try await client.updateStatus(update)
        return .settled
    }

    private func perform(_ plan: DeploymentPlan, _ key: ObjectKey) async throws {
        var latest = plan.deployment
        var isNoted = true
        for step in plan.steps {
            switch step {
            case .create(let set): try await create(set, plan, key)
            case .update(let set): fence.wrote(try await client.update(set), for: key)
            case .delete(let set): try await delete(set, key)
            case .rewrite(let deployment):
                var update = deployment
                update.metadata.resourceVersion = latest.metadata.resourceVersion
                latest = try await client.update(update)
                ownFence.wrote(latest, for: key)
            case .note(let revision):
                var annotations = latest.metadata.annotations
                annotations[DeploymentAnnotation.revision] = String(revision)
                latest.metadata.annotations = annotations
                isNoted = false
            case .status(let status):
                latest.status = status
                isNoted = true
                latest = try await client.updateStatus(latest)
                ownFence.wrote(latest, for: key)
            case .event(let kind, let reason, let message):
                recorder.event(plan.deployment, kind, reason, message)
            }
        }
        if !isNoted { ownFence.wrote(try await client.updateStatus(latest), for: key) }
    }

    private func delete(_ set: ReplicaSet, _ key: ObjectKey) async throws {
        do {
            try await client.delete(
                ReplicaSet.self, namespace: set.namespace, name: set.name, propagation: .background,
                uid: set.metadata.uid)
        } catch let status as Status where status.reason == .notFound {}
        fence.deleted(set, for: key)
    }

    /// Creates the new set. A name that is taken by a set of another template counts as a collision: the next hash differs.
    private func create(_ set: ReplicaSet, _ plan: DeploymentPlan, _ key: ObjectKey) async throws {
        do {
            fence.wrote(try await client.create(set), for: key)
        } catch let status as Status where status.reason == .alreadyExists {
            let other = try await client.get(ReplicaSet.self, namespace: set.namespace, name: set.name)
            let isOwn = other.metadata.controller?.uid == plan.deployment.metadata.uid
            if isOwn, other.template.isSame(as: plan.deployment.template) {
                fence.wrote(other, for: key)
            } else {
                var update = plan.deployment
                update.status.collisionCount += 1
                ownFence.wrote(try await client.updateStatus(update), for: key)
            }
            throw status
        } catch {
            if isNamespaceTerminating(error) { throw error }
            let message = "Failed to create new replica set \"\(set.name)\": \(error)"
            recorder.event(plan.deployment, .warning, "ReplicaSetCreateError", message)
            try await note(failure: message, plan, key)
            throw error
        }
    }

    private func note(failure message: String, _ plan: DeploymentPlan, _ key: ObjectKey) async throws {
        guard plan.deployment.progressDeadlineSeconds != nil else { return }
        var update = plan.deployment
        var condition = Condition(
            "Progressing", false, reason: "ReplicaSetCreateError", message: message, since: clock.now())
        condition.lastUpdateTime = clock.now()
        var conditions = update.status.conditions
        if conditions.first("Progressing")?.message == message { return }
        conditions.put(condition)
        update.status.conditions = conditions
        ownFence.wrote(try await client.updateStatus(update), for: key)
    }
}
