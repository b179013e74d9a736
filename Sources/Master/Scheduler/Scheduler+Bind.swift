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
    /// Gives the pod its node. When no answer comes the pod keeps its room, since it may be bound, and is bound again.
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
            state.withLock { $0.unsure[pod.metadata.uid] = nil }
        } catch {
            state.withLock { $0.unsure[pod.metadata.uid] = node }
            if error.isRefusal, let place = try await place(of: pod) {
                state.withLock { $0.unsure[pod.metadata.uid] = nil }
                guard place == node else { return }
            } else {
                if error.isRefusal { giveBack(pod) }
                if let status = error as? Status, status.reason == .notFound { return }
                event(pod, .warning, "FailedScheduling", "binding rejected: \(error)")
                throw error
            }
        }
        event(pod, .normal, "Scheduled", "Successfully assigned \(pod.namespace)/\(pod.name) to \(node)")
    }

    /// The node that the server has for the pod; the cache will show it.
    private func place(of pod: Pod) async throws -> String? {
        do {
            let live = try await client.get(Pod.self, namespace: pod.namespace, name: pod.name)
            return live.metadata.uid == pod.metadata.uid && !live.spec.nodeName.isEmpty ? live.spec.nodeName : nil
        } catch let status as Status where status.reason == .notFound { return nil }
    }

    private func giveBack(_ pod: Pod) {
        let freed = state.withLock { state in
            state.unsure[pod.metadata.uid] = nil
            return state.snapshot.remove(pod: pod.metadata.uid)
        }
        if let freed { wake(.podLeft(freed)) }
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
            for claim in bindings.provisions { try await choose(node, for: claim) }
        } catch {
            cancel(pod.key, reservation, pod)
            throw error
        }
        queue.add(pod.key, after: Limits.volumeBindingWait)
        queue.add(pod.key)
    }

    /// Names the node on which the claim's volume is to be made. Refused when the claim has changed: another pod's node
    /// may have been chosen meanwhile.
    private func choose(_ node: String, for claim: PersistentVolumeClaim) async throws {
        let known = caches.claims.get(namespace: claim.namespace, name: claim.name)
        if known?.metadata.uid == claim.metadata.uid, known?.selectedNode == node { return }
        let annotations = JSON(["volume.kubernetes.io/selected-node": node])
        _ = try await client.patch(
            PersistentVolumeClaim.self, namespace: claim.namespace, name: claim.name, .merge,
            [
                "metadata": [
                    "uid": .string(claim.metadata.uid), "resourceVersion": .string(claim.metadata.resourceVersion),
                    "annotations": annotations,
                ]
            ])
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
        let progress = state.withLock { self.progress(of: reservation, for: pod, in: $0.snapshot) }
        let isLate = clock.uptime() >= reservation.until
        if progress == .bound {
            state.withLock { $0.reservations[key] = nil }
            do { try await bind(pod, to: reservation.node) } catch {
                let priority = pod.spec.priority
                state.withLock { $0.waiting.add(key, priority: priority) }
                throw error
            }
        } else if progress == .lost || isLate {
            let why =
                progress == .lost
                ? "the volumes cannot be had on node \(reservation.node) any more"
                : "the claims were not bound in time"
            event(
                pod, .warning, "FailedScheduling", "running PreBind plugin \"VolumeBinding\": binding volumes: \(why)")
            cancel(key, reservation, pod)
            let priority = pod.spec.priority
            state.withLock { $0.waiting.add(key, priority: priority) }
        }
    }

    private enum Progress { case waiting, bound, lost }

    /// How far the claims of a reservation are.
    private func progress(of reservation: Reservation, for pod: Pod, in snapshot: Snapshot) -> Progress {
        guard let shape = snapshot.node(reservation.node)?.shape else { return .lost }
        let provisions = Set(reservation.bindings.provisions.map(\.key.path))
        var isBound = true
        for path in reservation.claims {
            guard let claim = snapshot.volumes.claims[path] else { return .lost }
            if claim.isBound {
                if snapshot.volumes.volumes[claim.volumeName] == nil { isBound = false }
                continue
            }
            isBound = false
            // A provisioner that cannot make the volume there takes the chosen node off the claim.
            if provisions.contains(path), snapshot.volumes.node(for: claim) != reservation.node { return .lost }
        }
        guard isBound else { return .waiting }
        // The volume may be elsewhere: another choice for the claim may have come first.
        guard case .success(let rest) = snapshot.volumes.demand(of: PodDemand(pod)).bindings(on: shape), rest.isEmpty
        else { return .lost }
        return .bound
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
