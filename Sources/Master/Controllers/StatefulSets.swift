import Shared

/// Keeps the pods of StatefulSets: each with its name, its place in the order and its claims.
struct StatefulSets: Reconciler {
    let client: Client
    let sets: Informer<StatefulSet>
    let pods: Informer<Pod>
    let claims: Informer<PersistentVolumeClaim>
    let revisions: Revisions
    let recorder: Recorder
    let clock: any WallClock
    let podFence = Fence()
    let claimFence = Fence()
    let ownFence = Fence()

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let set = sets.get(namespace: key.namespace, name: key.name), let selector = set.selector else {
            for fence in [podFence, claimFence, ownFence] { fence.forget(key) }
            revisions.forget(key)
            return .settled
        }
        if selector.isEmpty { return .settled }
        let known = pods.list(index: PodIndex.controller, set.metadata.uid)
        guard podFence.isPassed(key, at: pods.revision, present: known),
            claimFence.isPassed(key, at: claims.revision, present: [PersistentVolumeClaim]()),
            ownFence.isPassed(key, at: sets.revision, present: [set]), revisions.isCurrent(key, set.metadata.uid)
        else { return .settled }
        if set.metadata.isDeleting {
            try await report(StatefulPlan.parting(set, pods: known, now: clock.now()), set, key)
            return .settled
        }
        let orphans = pods.list(index: PodIndex.orphan, set.namespace)
            .filter { set.ordinal(ofPodNamed: $0.name) != nil }
        let claim = Ownership(of: set, selector: selector, among: known + orphans)
        let owned = try await client.apply(claim, owner: set)
        let history = try await revisions.history(
            of: set, selector: selector, template: set.template, collisions: set.status.collisionCount)
        let current = history.all.first { $0.name == set.status.currentRevision } ?? history.latest
        let plan = StatefulPlan(
            set, pods: owned, claims: claims(of: set), current: current, update: history.latest,
            collisions: history.collisions, now: clock.now())
        try await perform(plan, set, key)
        try await forget(history, set, owned, plan.status, key)
        return plan.again.map { .again(after: $0) } ?? .settled
    }

    private func claims(of set: StatefulSet) -> [String: PersistentVolumeClaim] {
        guard !set.claimTemplates.isEmpty else { return [:] }
        var result: [String: PersistentVolumeClaim] = [:]
        for claim in claims.list(index: OwnerIndex.namespace, set.namespace) where set.concernsClaim(named: claim.name)
        {
            result[claim.name] = claim
        }
        return result
    }

    private func perform(_ plan: StatefulPlan, _ set: StatefulSet, _ key: ObjectKey) async throws {
        var failure: (any Error)?
        if set.isParallel {
            let steps = plan.steps
            failure = await Batches.slowStart(steps.count) { try await perform(steps[$0], set, key) }.error
        } else {
            do { for step in plan.steps { try await perform(step, set, key) } } catch { failure = error }
        }
        if let failure, isNamespaceTerminating(failure) { return }
        // The name of a pod is taken by somebody else's: the set says nothing before that is over.
        if let status = failure as? Status, status.reason == .alreadyExists { throw status }
        try await report(plan.status, set, key)
        if let failure { throw failure }
    }

    private func perform(_ step: StatefulPlan.Step, _ set: StatefulSet, _ key: ObjectKey) async throws {
        switch step {
        case .create(let pod, let missing): try await create(pod, missing, set, key)
        case .claims(let missing, let pod):
            do { try await create(missing, for: pod.name, set, key) } catch {
                tell(set, "create", pod, error)
                throw error
            }
        case .delete(let pod): try await delete(pod, set, key)
        case .replace(let pod):
            let hasFailed = pod.status.phase == .failed
            let (reason, word) =
                hasFailed ? ("RecreatingFailedPod", "failed") : ("RecreatingTerminatedPod", "terminated")
            recorder.event(
                set, hasFailed ? .warning : .normal, reason,
                "StatefulSet \(set.namespace)/\(set.name) is recreating \(word) Pod \(pod.name)")
            try await delete(pod, set, key)
        case .identify(let pod, let labels):
            do {
                let changed = try await client.patch(
                    Pod.self, namespace: pod.namespace, name: pod.name, .merge,
                    ["metadata": ["labels": JSON(labels), "uid": .string(pod.metadata.uid)]])
                podFence.wrote(changed, for: key)
                tell(set, "update", pod, nil)
            } catch {
                tell(set, "update", pod, error)
                throw error
            }
        case .own(let claim, let owners):
            var changed = claim
            changed.metadata.ownerReferences = owners
            do { claimFence.wrote(try await client.update(changed), for: key) } catch let status as Status
                where status.reason == .notFound
            {}
        case .wait(let claims, let pod):
            tell(set, "create", pod, Refusals(claims.map { "pvc \($0) is being deleted" }))
        }
    }

    private func create(
        _ pod: Pod, _ missing: [PersistentVolumeClaim], _ set: StatefulSet, _ key: ObjectKey
    ) async throws {
        do {
            try await create(missing, for: pod.name, set, key)
            podFence.wrote(try await client.create(pod), for: key)
        } catch let status as Status where status.reason == .alreadyExists {
            throw status
        } catch {
            if !isNamespaceTerminating(error) { tell(set, "create", pod, error) }
            throw error
        }
        tell(set, "create", pod, nil)
    }

    /// Tries all claims before it fails.
    private func create(
        _ missing: [PersistentVolumeClaim], for pod: String, _ set: StatefulSet, _ key: ObjectKey
    ) async throws {
        var refusals: [String] = []
        for claim in missing {
            do {
                claimFence.wrote(try await client.create(claim), for: key)
            } catch let status as Status where status.reason == .alreadyExists {
                continue
            } catch {
                if isNamespaceTerminating(error) { throw error }
                recorder.event(
                    set, .warning, "FailedCreate",
                    "create Claim \(claim.name) for Pod \(pod) in StatefulSet \(set.name) failed error: \(error)")
                refusals.append("failed to create PVC \(claim.name): \(error)")
                continue
            }
            recorder.event(
                set, .normal, "SuccessfulCreate",
                "create Claim \(claim.name) Pod \(pod) in StatefulSet \(set.name) success")
        }
        if !refusals.isEmpty { throw Refusals(refusals) }
    }

    private func delete(_ pod: Pod, _ set: StatefulSet, _ key: ObjectKey) async throws {
        do {
            try await client.delete(Pod.self, namespace: pod.namespace, name: pod.name, uid: pod.metadata.uid)
            podFence.deleted(pod, for: key)
            tell(set, "delete", pod, nil)
        } catch let status as Status where status.reason == .notFound {
            podFence.deleted(pod, for: key)
        } catch {
            tell(set, "delete", pod, error)
            throw error
        }
    }

    /// The event about something done to a pod; `verb` is `create`, `update` or `delete`.
    private func tell(_ set: StatefulSet, _ verb: String, _ pod: Pod, _ error: (any Error)?) {
        let reason = verb.prefix(1).uppercased() + verb.dropFirst()
        let subject = "\(verb) Pod \(pod.name) in StatefulSet \(set.name)"
        if let error {
            recorder.event(set, .warning, "Failed\(reason)", "\(subject) failed error: \(error)")
        } else {
            recorder.event(set, .normal, "Successful\(reason)", "\(subject) successful")
        }
    }

    private func report(_ status: StatefulSetStatus, _ set: StatefulSet, _ key: ObjectKey) async throws {
        guard status != set.status else { return }
        var update = set
        update.status = status
        do { ownFence.wrote(try await client.updateStatus(update), for: key) } catch let refusal as Status
            where refusal.reason == .notFound
        {}
    }

    private func forget(
        _ history: Revisions.History, _ set: StatefulSet, _ owned: [Pod], _ status: StatefulSetStatus,
        _ key: ObjectKey
    ) async throws {
        let live = Set(owned.map(\.revisionName) + [status.currentRevision, status.updateRevision])
        let surplus = RevisionPlan.surplus(history.all, limit: set.revisionHistoryLimit) { live.contains($0.name) }
        try await revisions.delete(surplus, for: key)
    }
}

/// Why several things could not be done, as one error. Source: `NewAggregate` of apimachinery.
private struct Refusals: Error, CustomStringConvertible {
    let description: String

    init(_ reasons: [String]) {
        var seen: Set<String> = []
        let different = reasons.filter { seen.insert($0).inserted }
        description = different.count == 1 ? different[0] : "[\(different.joined(separator: ", "))]"
    }
}
