import Shared

/// What happens in the cluster, brought into the snapshot and to the pods that it may help.
extension Scheduler {
    func follow(_ caches: Caches) {
        caches.namespaces.add { [weak self] in self?.receive($0) }
        caches.storageClasses.add { [weak self] in self?.receive($0) }
        caches.volumes.add { [weak self] in self?.receive($0) }
        caches.claims.add { [weak self] in self?.receive($0) }
        caches.nodes.add { [weak self] in self?.receive($0) }
        caches.pods.add { [weak self] in self?.receive($0) }
    }

    private func receive(_ change: Informer<Namespace>.Change) {
        let namespace = change.object
        var labels: [String: String]? = namespace.metadata.labels
        if case .removed = change { labels = nil }
        let before = state.withLock { state in
            let before = state.snapshot.namespaces[namespace.name]
            state.snapshot.namespaces[namespace.name] = labels
            return before
        }
        if before != labels { wake(.namespace) }
    }

    private func receive(_ change: Informer<StorageClass>.Change) {
        state.withLock { state in
            if case .removed(let storage) = change {
                state.snapshot.volumes.remove(storage)
            } else {
                state.snapshot.volumes.put(change.object)
            }
        }
        wake(.volume)
    }

    private func receive(_ change: Informer<PersistentVolume>.Change) {
        let claim = change.object.claim?.key.path
        let waiting = state.withLock { state in
            if case .removed(let volume) = change {
                state.snapshot.volumes.remove(volume)
            } else {
                state.snapshot.volumes.put(change.object)
            }
            return state.reserved(for: claim)
        }
        for key in waiting { queue.add(key) }
        wake(.volume)
    }

    private func receive(_ change: Informer<PersistentVolumeClaim>.Change) {
        let claim = change.object
        let waiting = state.withLock { state in
            if case .removed = change {
                state.snapshot.volumes.remove(claim)
            } else {
                state.snapshot.volumes.put(claim)
            }
            return state.reserved(for: claim.key.path)
        }
        for key in waiting { queue.add(key) }
        wake(.volume)
    }

    private func receive(_ change: Informer<Node>.Change) {
        let event = state.withLock { state -> ClusterEvent? in
            if case .removed(let node) = change {
                state.snapshot.remove(node: node.name)
                return nil
            }
            return state.snapshot.put(change.object)
        }
        if let event { wake(event) }
    }

    private func receive(_ change: Informer<Pod>.Change) {
        let pod = change.object
        if case .removed = change { return leave(pod) }
        if pod.isFinished { return leave(pod) }
        if case .updated(let old, let new) = change {
            if old.metadata.uid != new.metadata.uid { leave(old) }
            if !Scheduler.differs(old, new) { return }
        }
        guard !pod.spec.nodeName.isEmpty else {
            if isOurs(pod) {
                state.withLock { $0.waiting.add(pod.key, priority: pod.spec.priority) }
                queue.add(pod.key)
            } else {
                leave(pod)
            }
            return
        }
        arrive(pod, on: pod.spec.nodeName)
    }

    private func arrive(_ pod: Pod, on node: String) {
        let uid = pod.metadata.uid
        let demand = state.withLock { state -> PodDemand in
            state.waiting.forget(pod.key)
            state.reservations[pod.key] = nil
            state.unsure[uid] = nil
            // What was decided here and comes back unchanged counts already.
            if let known = state.snapshot.pod(uid), state.snapshot.place(of: uid) == node, !pod.metadata.isDeleting,
                !known.isDeleting, known.startTime == pod.status.startTime, known.labels == pod.metadata.labels,
                known.requests == Amounts(PodAmounts.sum(pod.spec.json, "requests"))
            {
                return known
            }
            let demand = PodDemand(pod)
            state.snapshot.place(demand, on: node)
            return demand
        }
        wake(.podCame(demand))
    }

    /// Whether the change of a pod concerns its placing, or that of others. The scheduler's own word in the status does
    /// not.
    private static func differs(_ old: Pod, _ new: Pod) -> Bool {
        old.metadata.uid != new.metadata.uid || old.metadata.isDeleting != new.metadata.isDeleting
            || old.metadata.json["labels"] != new.metadata.json["labels"] || old.spec.json != new.spec.json
            || old.status.json["startTime"] != new.status.json["startTime"]
    }

    private func leave(_ pod: Pod) {
        let freed = state.withLock { state in
            state.waiting.forget(pod.key)
            state.reservations[pod.key] = nil
            state.unsure[pod.metadata.uid] = nil
            let nominated = state.snapshot.withdraw(pod.metadata.uid)
            return state.snapshot.remove(pod: pod.metadata.uid) ?? nominated
        }
        if let freed { wake(.podLeft(freed)) }
    }

    func wake(_ event: ClusterEvent) {
        let now = clock.uptime()
        let woken = state.withLock { state in
            state.waiting.wake(by: event, now: now) { profiles[$0.schedulerName]?.filters ?? [] }
        }
        for (key, delay) in woken { queue.add(key, after: delay) }
    }
}
