import Shared

/// Keeps as many pods as a ReplicaSet or ReplicationController asks for.
struct ReplicaSets<Owner: Replicated>: Reconciler {
    let client: Client
    let owners: Informer<Owner>
    let pods: Informer<Pod>
    let recorder: Recorder
    let clock: any WallClock
    let fence = Fence()

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let set = owners.get(namespace: key.namespace, name: key.name), let selector = set.selector else {
            fence.forget(key)
            return .settled
        }
        let owned = pods.list(index: PodIndex.controller, set.metadata.uid)
        let isOwn = { (pod: Pod) in pod.metadata.controller?.uid == set.metadata.uid }
        guard try await fence.isPassed(key, at: pods.revision, present: owned, asking: client, about: isOwn) else {
            return .settled
        }
        let candidates = (owned + pods.list(index: PodIndex.orphan, set.namespace)).filter(\.isActive)
        let claim = Ownership(of: set, selector: selector, among: candidates)
        let active = try await client.apply(claim, owner: set)
        var failure: (any Error)?
        if !set.metadata.isDeleting {
            let plan = ReplicaPlan(replicas: set.replicas, pods: active, related: related(to: set))
            failure = await apply(plan, set, key)
        }
        return try await report(set, active, failure)
    }

    private func apply(_ plan: ReplicaPlan, _ set: Owner, _ key: ObjectKey) async -> (any Error)? {
        let new = Pod(from: set.template, for: set)
        let (_, failure) = await Batches.slowStart(plan.create) { _ in
            do {
                let pod = try await fence.write(for: key) { try await client.create(new) }
                recorder.event(set, .normal, "SuccessfulCreate", "Created pod: \(pod.name)")
            } catch {
                if !isNamespaceTerminating(error) {
                    recorder.event(set, .warning, "FailedCreate", "Error creating: \(error)")
                }
                throw error
            }
        }
        if let failure { return isNamespaceTerminating(failure) ? nil : failure }
        do {
            try await Batches.each(plan.delete) { pod in try await delete(pod, of: set, key) }
            return nil
        } catch { return error }
    }

    private func delete(_ pod: Pod, of set: Owner, _ key: ObjectKey) async throws {
        do {
            try await fence.attempt(for: key) {
                try await client.delete(Pod.self, namespace: pod.namespace, name: pod.name, uid: pod.metadata.uid)
            }
            fence.deleted(pod, for: key)
            recorder.event(set, .normal, "SuccessfulDelete", "Deleted pod: \(pod.name)")
        } catch let status as Status where status.reason == .notFound {
            fence.deleted(pod, for: key)
        } catch {
            recorder.event(set, .warning, "FailedDelete", "Error deleting: \(error)")
            throw error
        }
    }

    private func report(_ set: Owner, _ active: [Pod], _ failure: (any Error)?) async throws -> Outcome {
        let now = clock.now()
        let status = set.status(of: active, failure: failure.map { "\($0)" }, now: now)
        if status != set.status {
            var update = set
            update.status = status
            do {
                _ = try await client.updateStatus(update)
            } catch let status as Status where status.reason == .notFound { return .settled }
        }
        if let failure { throw failure }
        return set.nextAvailability(of: active, now: now).map { .again(after: $0) } ?? .settled
    }

    /// The pods that the sets of the same owner select, whoever controls them: a Deployment's revisions count together. A
    /// set without an owner has none. Source: `getIndirectlyRelatedPods`.
    private func related(to set: Owner) -> [Pod] {
        guard let parent = set.metadata.controller else { return [] }
        let selectors = owners.list(index: OwnerIndex.controller, parent.uid).compactMap(\.selector)
        return pods.list(index: PodIndex.namespace, set.namespace).filter { pod in
            selectors.contains { $0.matches(pod.metadata.labels) }
        }
    }
}

/// The refusal to create something in a namespace that goes away; it ends with the namespace.
func isNamespaceTerminating(_ error: any Error) -> Bool { (error as? Status)?.isOfEndingNamespace ?? false }
