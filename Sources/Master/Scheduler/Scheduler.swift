import Shared
import Synchronization

/// Gives unbound pods a node: a controller on pods without `spec.nodeName`.
///
/// Decisions are made one at a time, the most important pod first, on a snapshot that follows the caches; bindings go
/// out side by side. A pod that fits nowhere waits until something changes that may help it. A key in the work queue
/// only means that there is something to do; which pod comes next the scheduling queue says. A class: it owns the
/// snapshot.
final class Scheduler: Reconciler {
    /// `spec.schedulerName` of the pods that are placed unless a configuration says otherwise.
    static let name = "default-scheduler"

    struct State {
        var snapshot = Snapshot()
        var placer: Placer
        var waiting: SchedulingQueue
        /// Pods that have their node and wait for their volumes.
        var reservations: [ObjectKey: Reservation] = [:]
        /// Nodes of pods whose binding was not answered, by uid.
        var unsure: [String: String] = [:]

        /// Pods that have their node and wait for the claim.
        /// - Parameter claim: `namespace/name`.
        func reserved(for claim: String?) -> [ObjectKey] {
            guard let claim else { return [] }
            return reservations.filter { $0.value.claims.contains(claim) }.map(\.key)
        }
    }
    let client: Client
    let caches: Caches
    let recorders: [String: Recorder]
    let clock: any WallClock
    let queue: WorkQueue
    let profiles: [String: Profile]
    let state: Mutex<State>

    /// - Parameter recorders: by name of the profile; they write the events of its pods.
    init(
        client: Client, caches: Caches, recorders: [String: Recorder], clock: any WallClock, queue: WorkQueue,
        configuration: SchedulerConfiguration, placer: sending Placer
    ) {
        self.client = client
        self.caches = caches
        self.recorders = recorders
        self.clock = clock
        self.queue = queue
        profiles = Dictionary(configuration.profiles.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let waiting = SchedulingQueue(first: configuration.firstBackoff, most: configuration.mostBackoff)
        state = Mutex(State(placer: placer, waiting: waiting))
        follow(caches)
    }

    func isOurs(_ pod: Pod) -> Bool {
        profile(of: pod) != nil && !pod.metadata.isDeleting && pod.spec.json["schedulingGates"].items.isEmpty
    }
    func profile(of pod: Pod) -> Profile? {
        let name = pod.spec.schedulerName
        return profiles[name.isEmpty ? Scheduler.name : name]
    }
    func event(_ pod: Pod, _ kind: Recorder.Kind, _ reason: String, _ message: String) {
        let name = pod.spec.schedulerName
        recorders[name.isEmpty ? Scheduler.name : name]?.event(pod, kind, reason, message)
    }

    // MARK: One pod

    func reconcile(_ ticket: ObjectKey) async throws -> Outcome {
        try await finishReservation(of: ticket)
        let now = clock.uptime()
        let delay = state.withLock { $0.waiting.ripen(ticket, now: now) }
        while let key = state.withLock({ $0.waiting.next() }) {
            if Task.isCancelled { break }
            await place(key)
        }
        return delay.map { .again(after: $0) } ?? .settled
    }

    private enum Decision {
        case node(String, VolumeIndex.Bindings)
        case nowhere(Placement.Refusal, Preemption.Candidate?)
    }

    /// Decides about one pod and does what follows. An error of the API puts the pod back.
    private func place(_ key: ObjectKey) async {
        guard let pod = caches.pods.get(namespace: key.namespace, name: key.name), pod.spec.nodeName.isEmpty,
            !pod.isFinished, isOurs(pod), let profile = profile(of: pod)
        else {
            state.withLock { $0.waiting.forget(key) }
            return
        }
        let demand = PodDemand(pod, siblings: siblings(of: pod))
        do {
            if let node = state.withLock({ $0.unsure[demand.uid] }) { return try await bind(pod, to: node) }
            switch decide(demand, profile) {
            case nil: break
            case .node(let node, let bindings):
                if bindings.isEmpty {
                    try await bind(pod, to: node)
                } else {
                    try await reserve(pod, on: node, bindings)
                }
            case .nowhere(let refusal, let candidate):
                if let candidate { try await ask(candidate, toLeaveFor: pod) }
                try await refuse(pod, refusal, nominating: candidate?.node)
            }
        } catch {
            let now = clock.uptime()
            let delay = state.withLock { state in
                state.waiting.add(key, priority: demand.priority)
                return state.waiting.backOff(key, now: now)
            }
            queue.add(key, after: delay)
        }
    }

    /// Nil when the pod has a place already, which the server has yet to confirm.
    private func decide(_ demand: PodDemand, _ profile: Profile) -> Decision? {
        let now = clock.uptime()
        let decision: (Decision?, again: Duration?) = state.withLock { state in
            guard state.snapshot.place(of: demand.uid) == nil else {
                state.waiting.forget(demand.key)
                return (nil, nil)
            }
            if state.snapshot.nomination(of: demand.uid) == nil, !demand.nominatedNode.isEmpty {
                state.snapshot.nominate(demand, for: demand.nominatedNode)
            }
            switch state.placer.place(demand, in: &state.snapshot, profile) {
            case .node(let node):
                var bindings = VolumeIndex.Bindings()
                if !demand.claims.isEmpty, let shape = state.snapshot.node(node)?.shape,
                    case .success(let found) = state.snapshot.volumes.demand(of: demand).bindings(on: shape)
                {
                    bindings = found
                    state.snapshot.volumes.assume(bindings, on: node)
                }
                state.snapshot.place(demand, on: node)
                state.waiting.forget(demand.key)
                return (.node(node, bindings), nil)
            case .nowhere(var refusal):
                let candidate = preemption(for: demand, &refusal, profile, &state)
                let isStale = state.waiting.park(
                    demand, refusers: refusal.refusers, of: profile.filters, now: now)
                return (.nowhere(refusal, candidate), isStale ? .zero : Limits.parkedPodWait)
            }
        }
        if let delay = decision.again { queue.add(demand.key, after: delay) }
        return decision.0
    }

    private func preemption(
        for demand: PodDemand, _ refusal: inout Placement.Refusal, _ profile: Profile, _ state: inout State
    ) -> Preemption.Candidate? {
        guard profile.preempts, refusal.nodes > 0 else { return nil }
        let budgets = caches.budgets.list(namespace: nil).map { Budget($0) }
        switch Preemption.find(
            for: demand, refusal, in: &state.snapshot, profile, budgets: budgets, offset: state.placer.start)
        {
        case .node(let candidate):
            state.snapshot.nominate(demand, for: candidate.node)
            return candidate
        case .nobody(let why):
            refusal.preemption = why
            if !why.hasPrefix("not eligible due to a terminating") { state.snapshot.withdraw(demand.uid) }
            return nil
        }
    }

    /// The pods that are spread together with this one: those of its services and its controller.
    /// Source: `helper.DefaultSelector`.
    private func siblings(of pod: Pod) -> LabelSelector? {
        guard pod.spec.json["topologySpreadConstraints"].items.isEmpty else { return nil }
        let labels = pod.metadata.labels
        var equal: [String: String] = [:]
        for service in caches.services.list(index: OwnerIndex.namespace, pod.namespace) where service.selectsPods {
            let selector = service.selector
            if selector.allSatisfy({ labels[$0.key] == $0.value }) { equal.merge(selector) { $1 } }
        }
        var result = LabelSelector(equal: equal)
        if let owner = pod.metadata.controllerKey(ReplicaSet.self),
            let selector = caches.replicaSets.get(namespace: owner.namespace, name: owner.name)?.selector
        {
            result.requirements += selector.requirements
        } else if let owner = pod.metadata.controllerKey(StatefulSet.self),
            let selector = caches.statefulSets.get(namespace: owner.namespace, name: owner.name)?.selector
        {
            result.requirements += selector.requirements
        } else if let owner = pod.metadata.controllerKey(ReplicationController.self),
            let selector = caches.replicationControllers.get(namespace: owner.namespace, name: owner.name)?.selector
        {
            result.requirements += selector.requirements
        }
        return result.isEmpty ? nil : result
    }
}
