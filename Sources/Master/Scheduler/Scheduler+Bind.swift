import Shared

/// A pod that has its node and waits for its volumes.
struct Reservation: Sendable {
    let node: String
    let bindings: VolumeIndex.Bindings
    /// `namespace/name` of the claims that are to be bound.
    let claims: Set<String>
    /// Uptime at which the wait ends.
    let until: Duration
}

/// What the scheduler writes.
extension Scheduler {
    func bind(_ pod: Pod, to node: String) async throws {
        let binding: JSON = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": [
                "name": .string(pod.name), "namespace": .string(pod.namespace), "uid": .string(pod.metadata.uid),
            ],
            "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
        ]
        do {
            _ = try await client.call(
                "POST", Pod.type.path(namespace: pod.namespace, name: pod.name, subresource: "binding"), body: binding)
        } catch {
            // Unless the server knows better, the room is free again.
            if caches.pods.get(namespace: pod.namespace, name: pod.name)?.spec.nodeName.isEmpty ?? true {
                giveBack(pod)
            }
            if let status = error as? Status, status.reason == .notFound { return }
            event(pod, .warning, "FailedScheduling", "binding rejected: \(error)")
            throw error
        }
        event(pod, .normal, "Scheduled", "Successfully assigned \(pod.namespace)/\(pod.name) to \(node)")
    }

    private func giveBack(_ pod: Pod) {
        if let freed = state.withLock({ $0.snapshot.remove(pod: pod.metadata.uid) }) { wake(.podLeft(freed)) }
    }

    // MARK: Volumes

    /// Tells binder and provisioner which node was chosen; the pod is bound once its claims are.
    func reserve(_ pod: Pod, on node: String, _ bindings: VolumeIndex.Bindings) async throws {
        let claims = bindings.volumes.map(\.claim) + bindings.provisions
        let reservation = Reservation(
            node: node, bindings: bindings, claims: Set(claims.map(\.key.path)),
            until: clock.uptime() + Limits.volumeBindingWait)
        state.withLock { $0.reservations[pod.key] = reservation }
        do {
            for (claim, volume) in bindings.volumes { try await point(volume, at: claim) }
            for claim in bindings.provisions {
                let annotations = JSON(["volume.kubernetes.io/selected-node": node])
                _ = try await client.patch(
                    PersistentVolumeClaim.self, namespace: claim.namespace, name: claim.name, .merge,
                    ["metadata": ["uid": .string(claim.metadata.uid), "annotations": annotations]])
            }
        } catch {
            cancel(pod.key, reservation, pod)
            throw error
        }
        queue.add(pod.key, after: Limits.volumeBindingWait)
        queue.add(pod.key)
    }

    private func point(_ volume: PersistentVolume, at claim: PersistentVolumeClaim) async throws {
        if volume.claim?.uid == claim.metadata.uid { return }
        let annotations = JSON(["pv.kubernetes.io/bound-by-controller": "yes"])
        _ = try await client.patch(
            PersistentVolume.self, name: volume.name, .merge,
            [
                "metadata": [
                    "resourceVersion": .string(volume.metadata.resourceVersion), "annotations": annotations,
                ],
                "spec": ["claimRef": ClaimReference(claim).json],
            ])
    }

    /// Binds the pod when its claims are bound; gives its place up when they will not be.
    func finishReservation(of key: ObjectKey) async throws {
        guard let reservation = state.withLock({ $0.reservations[key] }) else { return }
        guard let pod = caches.pods.get(namespace: key.namespace, name: key.name), pod.spec.nodeName.isEmpty,
            !pod.metadata.isDeleting
        else {
            state.withLock { $0.reservations[key] = nil }
            return
        }
        let provisions = Set(reservation.bindings.provisions.map(\.key.path))
        var isBound = true
        var isLost = clock.uptime() >= reservation.until
        for path in reservation.claims {
            guard let claim = state.withLock({ $0.snapshot.volumes.claims[path] }) else {
                isLost = true
                continue
            }
            if claim.isBound { continue }
            isBound = false
            // A provisioner that cannot make the volume there takes the chosen node off the claim.
            if provisions.contains(path), let chosen = claim.selectedNode, chosen != reservation.node { isLost = true }
        }
        if isBound, !isLost {
            state.withLock { $0.reservations[key] = nil }
            do { try await bind(pod, to: reservation.node) } catch {
                let priority = pod.spec.priority
                state.withLock { $0.waiting.add(key, priority: priority) }
                throw error
            }
        } else if isLost {
            event(
                pod, .warning, "FailedScheduling",
                "running PreBind plugin \"VolumeBinding\": binding volumes: the claims were not bound in time")
            cancel(key, reservation, pod)
            let priority = pod.spec.priority
            state.withLock { $0.waiting.add(key, priority: priority) }
        }
    }

    private func cancel(_ key: ObjectKey, _ reservation: Reservation, _ pod: Pod) {
        state.withLock { state in
            state.reservations[key] = nil
            state.snapshot.volumes.release(reservation.bindings)
        }
        giveBack(pod)
    }

    // MARK: Refusal and preemption

    /// Asks the victims to leave and takes nominations from pods that count less.
    func ask(_ candidate: Preemption.Candidate, toLeaveFor pod: Pod) async throws {
        let name = pod.spec.schedulerName.isEmpty ? Scheduler.name : pod.spec.schedulerName
        let condition = Condition(
            "DisruptionTarget", true, reason: "PreemptionByScheduler",
            message: "\(name): preempting to accommodate a higher priority pod", since: clock.now())
        for victim in candidate.victims {
            guard let object = caches.pods.get(namespace: victim.namespace, name: victim.key.name),
                object.metadata.uid == victim.uid
            else { continue }
            do {
                if !object.metadata.isDeleting {
                    _ = try await client.patch(
                        Pod.self, namespace: victim.namespace, name: victim.key.name, subresource: "status",
                        .strategic,
                        ["metadata": ["uid": .string(victim.uid)], "status": ["conditions": [condition.json]]])
                    try await client.delete(
                        Pod.self, namespace: victim.namespace, name: victim.key.name, uid: victim.uid)
                }
            } catch let status as Status where status.reason == .notFound || status.reason == .conflict {}
            event(
                object, .normal, "Preempted", "Preempted by pod \(pod.metadata.uid) on node \(candidate.node)")
        }
        let priority = pod.spec.priority
        let lesser = state.withLock { state in
            (state.snapshot.nominated[candidate.node] ?? [:]).values.filter { $0.priority < priority }
        }
        for other in lesser {
            state.withLock { _ = $0.snapshot.withdraw(other.uid) }
            try await nominate(other.key, uid: other.uid, nil)
            wake(.podLeft(other))
        }
    }

    private func nominate(_ key: ObjectKey, uid: String, _ node: String?) async throws {
        do {
            _ = try await client.patch(
                Pod.self, namespace: key.namespace, name: key.name, subresource: "status", .merge,
                [
                    "metadata": ["uid": .string(uid)],
                    "status": ["nominatedNodeName": node.map(JSON.string) ?? .null],
                ])
        } catch let status as Status where status.reason == .notFound || status.reason == .conflict {}
    }

    /// Says on the pod and in an event why it has no place.
    func refuse(_ pod: Pod, _ refusal: Placement.Refusal, nominating node: String?) async throws {
        let message = refusal.message
        event(pod, .warning, "FailedScheduling", message)
        let known = pod.status.condition("PodScheduled")
        let nomination = state.withLock { $0.snapshot.nomination(of: pod.metadata.uid) } ?? ""
        let isNominated = (pod.status.json["nominatedNodeName"].string ?? "") == nomination
        guard
            known?.status != "False" || known?.reason != "Unschedulable" || known?.message != message || !isNominated
        else { return }
        var condition = Condition("PodScheduled", false, reason: "Unschedulable", message: message, since: clock.now())
        if known?.status == "False" { condition.lastTransitionTime = known?.lastTransitionTime }
        var status: JSON = ["conditions": [condition.json]]
        if !isNominated { status["nominatedNodeName"] = nomination.isEmpty ? .null : .string(nomination) }
        do {
            _ = try await client.patch(
                Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
                ["metadata": ["uid": .string(pod.metadata.uid)], "status": status])
        } catch let status as Status where status.reason == .notFound {}
    }
}
