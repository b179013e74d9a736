import Shared

extension Storage {
    /// Sets `spec.nodeName` of a pod that has none yet, with its condition and annotations, as one change.
    /// - Throws: 409 when the pod is bound or going away.
    func bind(
        _ access: Access, to node: String, annotations: [String: String], uid: String, _ options: WriteOptions
    ) async throws(Status) {
        let key = access.key
        let now = clock.now()
        _ = try await commit(options) { transaction throws(Status) in
            guard let stored = transaction.get(key) else { throw Status.notFound(key.resource, key.name) }
            var pod = Pod(try stored.json())
            if !uid.isEmpty, uid != pod.metadata.uid {
                let why = "Precondition failed: UID in precondition: \(uid), UID in object meta: \(pod.metadata.uid)"
                throw Status.conflict(key.resource, key.name, why)
            }
            if pod.metadata.isDeleting {
                throw Status.conflict(
                    GroupResource("pods/binding"), key.name,
                    "pod \(key.name) is being deleted, cannot be assigned to a host")
            }
            if !pod.spec.nodeName.isEmpty {
                throw Status.conflict(
                    GroupResource("pods/binding"), key.name,
                    "pod \(key.name) is already assigned to node \"\(pod.spec.nodeName)\"")
            }
            pod.json["spec"]["nodeName"] = .string(node)
            if !annotations.isEmpty { pod.metadata.annotations.merge(annotations) { _, new in new } }
            var conditions = pod.status.conditions.filter { $0.type != "PodScheduled" }
            conditions.append(Condition("PodScheduled", true, since: now))
            pod.json["status"]["conditions"] = .array(conditions.map(\.json))
            return try transaction.put(key, pod.json).revision
        }
    }

    /// Takes one disruption from the budget that covers a pod; without a budget every eviction is allowed.
    /// - Throws: 429 when the budget has none left, 500 when several budgets cover the pod.
    /// Source: `registry/core/pod/rest/eviction.go`.
    func takeDisruption(for pod: Pod, _ options: WriteOptions) async throws(Status) {
        guard let resource = registry.resource(group: "policy", kind: "PodDisruptionBudget") else { return }
        var covering: [ObjectKey] = []
        for stored in store.list(resource.groupResource, namespace: pod.namespace).items {
            let selector = LabelSelector(try stored.json()["spec"]["selector"])
            if let selector, selector.matches(pod.metadata.labels) { covering.append(stored.key) }
        }
        guard let key = covering.first else { return }
        if covering.count > 1 {
            throw Status(
                .unknown,
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                code: 500)
        }
        let name = pod.name
        let now = clock.now()
        let isReady = pod.isReady
        _ = try await commit(options) { transaction throws(Status) in
            guard let stored = transaction.get(key) else { return }
            var budget = try stored.json()
            if !isReady, Storage.mayLeaveUnready(budget) { return }
            let allowed = budget["status"]["disruptionsAllowed"].int ?? 0
            let isCurrent =
                (budget["status"]["observedGeneration"].int ?? 0) >= (budget["metadata"]["generation"].int ?? 0)
            guard allowed >= 0 else {
                throw Status.forbidden(
                    GroupResource(group: "policy", "poddisruptionbudget"), key.name,
                    "pdb disruptions allowed is negative")
            }
            guard budget["status"]["disruptedPods"].members.count <= Limits.disruptedPodsMax else {
                throw Status.forbidden(
                    GroupResource(group: "policy", "poddisruptionbudget"), key.name,
                    "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
            }
            guard allowed > 0, isCurrent else {
                var status = Status(
                    .tooManyRequests, "Cannot evict pod as it would violate the pod's disruption budget.")
                let desired = budget["status"]["desiredHealthy"].int ?? 0
                let healthy = budget["status"]["currentHealthy"].int ?? 0
                let why =
                    isCurrent
                    ? "The disruption budget \(key.name) needs \(desired) healthy pods and has \(healthy) currently"
                    : "The disruption budget \(key.name) is still being processed by the server."
                status.causes = [Status.Cause(reason: "DisruptionBudget", message: why, field: "")]
                if !isCurrent { status.retryAfterSeconds = 10 }
                throw status
            }
            budget["status"]["disruptionsAllowed"] = JSON(allowed - 1)
            budget["status"]["disruptedPods"][name] = .string(now.rfc3339)
            try transaction.put(key, budget)
        }
    }

    /// Whether a budget lets a pod go that is not ready, without counting it. Source: KEP-3017.
    private static func mayLeaveUnready(_ budget: JSON) -> Bool {
        if budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow" { return true }
        let desired = budget["status"]["desiredHealthy"].int ?? 0
        return desired > 0 && budget["status"]["currentHealthy"].int ?? 0 >= desired
    }

    /// Says on a pod that it is evicted, so that its controller can tell that from a failure of its own.
    /// - Parameter deletion: goes on to mean the same pod when it names a revision.
    /// - Throws: 409 when the pod is not the one that was meant.
    /// Source: KEP-3329, `addConditionAndDeletePod` of the eviction subresource.
    func markEvicted(_ access: Access, _ deletion: inout DeletionPlan.Options) async throws(Status) {
        let (key, resource, now, wanted) = (access.key, access.resource, clock.now(), deletion)
        let revision = try await commit(WriteOptions()) { transaction throws(Status) -> Revision? in
            guard let stored = transaction.get(key) else { throw Status.notFound(key.resource, key.name) }
            var pod = Pod(try stored.json())
            try wanted.check(pod.json, resource)
            if pod.status.condition("DisruptionTarget")?.isTrue ?? false { return nil }
            pod.conditions.put(
                Condition(
                    "DisruptionTarget", true, reason: "EvictionByEvictionAPI", message: "Eviction API: evicting",
                    since: now))
            return try transaction.put(key, pod.json).revision
        }
        if let revision, deletion.resourceVersion != nil { deletion.resourceVersion = revision.description }
    }

    // MARK: Parts of a running pod

    /// What a write to `ephemeralcontainers` or `resize` makes of the pod: only that part of it.
    static func part(_ subresource: String, of new: JSON, into old: JSON) -> JSON {
        var result = old
        guard subresource == "resize" else {
            result["spec"].set("ephemeralContainers", new["spec"].object?["ephemeralContainers"])
            return result
        }
        for list in ["containers", "initContainers"] where old["spec"][list].array != nil {
            result["spec"][list] = .array(
                old["spec"][list].items.map { container in
                    var container = container
                    let wanted = new["spec"][list].items.first { $0["name"] == container["name"] }
                    for key in ["resources", "resizePolicy"] { container.set(key, wanted?.object?[key]) }
                    return container
                })
        }
        return result
    }
}
