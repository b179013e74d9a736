import Shared

/// Keeps the status of PodDisruptionBudgets: how many of their pods may be evicted.
struct DisruptionBudgets: Reconciler {
    let client: Client
    let budgets: Informer<PodDisruptionBudget>
    let pods: Informer<Pod>
    let caches: Caches
    /// The kind that a reference names; nil when no such kind is served.
    let type: @Sendable (_ apiVersion: String, _ kind: String) async -> KindType?
    let recorder: Recorder
    let clock: any WallClock
    let fence = Fence()

    private struct NoExpectation: Error, CustomStringConvertible { let description: String }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let budget = budgets.get(namespace: key.namespace, name: key.name) else {
            fence.forget(key)
            return .settled
        }
        guard fence.isPassed(key, at: budgets.revision, present: [budget]) else { return .settled }
        let selected =
            budget.selector.map { selector in
                pods.list(index: PodIndex.namespace, budget.namespace).filter { selector.matches($0.metadata.labels) }
            } ?? []
        if selected.isEmpty { recorder.event(budget, .normal, "NoPods", "No matching pods found") }
        do {
            let replicas = BudgetPlan.needsReplicas(budget) ? try await replicas(of: selected, budget) : 0
            let expected = BudgetPlan.expectation(budget, pods: selected, replicas: replicas)
            let plan = BudgetPlan(budget, pods: selected, expected: expected, now: clock.now())
            for pod in plan.overdue {
                recorder.event(
                    pod, .warning, "NotDeleted",
                    "Pod was expected by PDB \(budget.namespace)/\(budget.name) to be deleted but it wasn't")
            }
            try await report(plan.status, budget, key)
            return plan.again.map { .again(after: $0) } ?? .settled
        } catch let error as NoExpectation {
            // A change of the pods wakes the budget again.
            recorder.event(
                budget, .warning, "CalculateExpectedPodCountFailed",
                "Failed to calculate the number of expected pods: \(error)")
            try await report(BudgetPlan.unknown(budget, because: "\(error)", now: clock.now()), budget, key)
            return .settled
        }
    }

    private func report(_ status: JSON, _ budget: PodDisruptionBudget, _ key: ObjectKey) async throws {
        guard status != budget.status else { return }
        var update = budget
        update.status = status
        do { fence.wrote(try await client.updateStatus(update), for: key) } catch let refusal as Status
            where refusal.reason == .notFound
        {}
    }

    /// The wanted count over all controllers of the pods, each counted once.
    private func replicas(of pods: [Pod], _ budget: PodDisruptionBudget) async throws -> Int {
        var counts: [String: Int] = [:]
        for pod in pods {
            guard let owner = pod.metadata.controller else {
                let why = "found no controller ref for pod \"\(pod.name)\""
                recorder.event(budget, .warning, "NoControllerRef", why)
                throw NoExpectation(description: why)
            }
            if counts[owner.uid] != nil { continue }
            let (uid, count) = try await scale(owner, pod)
            counts[owner.uid] = 0
            counts[uid] = count
        }
        return counts.values.reduce(0) { sum, count in
            let total = sum.addingReportingOverflow(count)
            return total.overflow ? .max : total.partialValue
        }
    }

    /// The controller whose count decides, and its count; a replica set's Deployment before the set itself.
    private func scale(_ owner: OwnerReference, _ pod: Pod) async throws -> (uid: String, count: Int) {
        switch owner.kind {
        case ReplicaSet.type.kind:
            if let set = caches.replicaSets.get(namespace: pod.namespace, name: owner.name),
                set.metadata.uid == owner.uid
            {
                if let above = set.metadata.controller,
                    let deployment = caches.deployments.get(namespace: pod.namespace, name: above.name),
                    deployment.metadata.uid == above.uid
                {
                    return (above.uid, deployment.replicas)
                }
                return (owner.uid, set.replicas)
            }
        case ReplicationController.type.kind:
            if let set = caches.replicationControllers.get(namespace: pod.namespace, name: owner.name),
                set.metadata.uid == owner.uid
            {
                return (owner.uid, set.replicas)
            }
        case StatefulSet.type.kind:
            if let set = caches.statefulSets.get(namespace: pod.namespace, name: owner.name),
                set.metadata.uid == owner.uid
            {
                return (owner.uid, set.replicas)
            }
        default: break
        }
        guard let type = await type(owner.apiVersion, owner.kind) else {
            throw NoExpectation(description: "no kind \(owner.kind) of \(owner.apiVersion) is served")
        }
        do {
            let path = type.path(namespace: pod.namespace, name: owner.name, subresource: "scale")
            let answer = try await client.call("GET", path)
            guard answer["metadata"]["uid"].string == owner.uid else {
                throw NoExpectation(
                    description: "the controller \(owner.kind) \(owner.name) of pod \"\(pod.name)\" was replaced")
            }
            return (owner.uid, answer["spec"]["replicas"].int ?? 0)
        } catch let status as Status where status.code == 404 || status.code == 405 {
            throw NoExpectation(
                description: "\(type.resource) does not implement the scale subresource")
        }
    }
}
