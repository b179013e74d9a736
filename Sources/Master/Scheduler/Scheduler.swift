import Shared
import Synchronization

/// Gives unbound pods a node: a controller on pods without `spec.nodeName`.
///
/// Decisions are made one at a time on a snapshot that follows the caches; bindings go out side by side. A pod that
/// fits nowhere waits until something changes that may help it. A class: it owns the snapshot.
final class Scheduler: Reconciler {
    /// `spec.schedulerName` of the pods that this scheduler places.
    static let name = "default-scheduler"

    private struct State {
        var snapshot = Snapshot()
        var placer: Placer
        var waiting = Waiting()
    }
    private let client: Client
    private let pods: Informer<Pod>
    private let recorder: Recorder
    private let clock: any WallClock
    private let queue: WorkQueue
    private let state: Mutex<State>

    init(
        client: Client, caches: Caches, recorder: Recorder, clock: any WallClock, queue: WorkQueue,
        placer: sending Placer = Placer()
    ) {
        self.client = client
        pods = caches.pods
        self.recorder = recorder
        self.clock = clock
        self.queue = queue
        state = Mutex(State(placer: placer))
        caches.nodes.add { [weak self] in self?.receive($0) }
        caches.pods.add { [weak self] in self?.receive($0) }
    }

    // MARK: What happens in the cluster

    private func receive(_ change: Informer<Node>.Change) {
        let mayHelp = state.withLock { state in
            if case .removed(let node) = change {
                state.snapshot.remove(node: node.name)
                return false
            }
            return state.snapshot.put(change.object)
        }
        if mayHelp { wake(.node) }
    }

    private func receive(_ change: Informer<Pod>.Change) {
        let pod = change.object
        if case .removed = change { return leave(pod) }
        if pod.isFinished { return leave(pod) }
        let node = pod.spec.nodeName
        if case .updated(let old, let new) = change, !Scheduler.differs(old, new) { return }
        guard !node.isEmpty else {
            if Scheduler.isOurs(pod) {
                state.withLock { $0.waiting.forget(pod.key) }
                queue.add(pod.key)
            }
            return
        }
        let demand = PodDemand(pod)
        state.withLock { state in
            state.snapshot.place(demand, on: node)
            state.waiting.forget(pod.key)
        }
        wake(.podCame)
    }

    /// Whether the change of a pod concerns its placing, or that of others. The scheduler's own word in the status does
    /// not.
    private static func differs(_ old: Pod, _ new: Pod) -> Bool {
        old.spec.nodeName != new.spec.nodeName || old.metadata.uid != new.metadata.uid
            || old.metadata.isDeleting != new.metadata.isDeleting
            || old.metadata.json["labels"] != new.metadata.json["labels"]
            || old.spec.json != new.spec.json
    }

    private func leave(_ pod: Pod) {
        let freed = state.withLock { state in
            state.waiting.forget(pod.key)
            return state.snapshot.remove(pod: pod.metadata.uid)
        }
        if freed { wake(.podLeft) }
    }

    private func wake(_ change: ClusterChange) {
        let now = clock.uptime()
        for (key, delay) in state.withLock({ $0.waiting.wake(by: change, now: now) }) { queue.add(key, after: delay) }
    }

    private static func isOurs(_ pod: Pod) -> Bool {
        let name = pod.spec.schedulerName
        return (name.isEmpty || name == Scheduler.name) && !pod.metadata.isDeleting
            && pod.spec.json["schedulingGates"].items.isEmpty
    }

    // MARK: One pod

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let pod = pods.get(namespace: key.namespace, name: key.name), pod.spec.nodeName.isEmpty,
            !pod.isFinished, Scheduler.isOurs(pod)
        else {
            state.withLock { $0.waiting.forget(key) }
            return .settled
        }
        let now = clock.uptime()
        let delay = state.withLock { $0.waiting.delay(of: key, now: now) }
        if delay > .zero { return .again(after: delay) }
        let demand = PodDemand(pod)
        switch decide(demand, now: now) {
        case nil: return .settled
        case .node(let node): try await bind(pod, to: node)
        case .nowhere(let refusal): try await refuse(pod, refusal)
        }
        return .settled
    }

    /// Nil when the pod has a place already, which the server has yet to confirm.
    private func decide(_ demand: PodDemand, now: Duration) -> Placement? {
        state.withLock { state in
            guard state.snapshot.place(of: demand.uid) == nil else { return nil }
            let placement = state.placer.place(demand, in: state.snapshot)
            switch placement {
            case .node(let node):
                state.snapshot.place(demand, on: node)
                state.waiting.forget(demand.key)
            case .nowhere(let refusal):
                // Preemption has its place here: it would look for pods of lower priority to give up.
                state.waiting.park(demand.key, wakes: refusal.wakes, now: now)
            }
            return placement
        }
    }

    private func bind(_ pod: Pod, to node: String) async throws {
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
            if pods.get(namespace: pod.namespace, name: pod.name)?.spec.nodeName.isEmpty ?? true {
                _ = state.withLock { $0.snapshot.remove(pod: pod.metadata.uid) }
            }
            if let status = error as? Status, status.reason == .notFound { return }
            recorder.event(pod, .warning, "FailedScheduling", "binding rejected: \(error)")
            throw error
        }
        recorder.event(
            pod, .normal, "Scheduled", "Successfully assigned \(pod.namespace)/\(pod.name) to \(node)")
    }

    private func refuse(_ pod: Pod, _ refusal: Placement.Refusal) async throws {
        let message = refusal.message
        recorder.event(pod, .warning, "FailedScheduling", message)
        let known = pod.status.condition("PodScheduled")
        guard known?.status != "False" || known?.reason != "Unschedulable" || known?.message != message else { return }
        var condition = Condition("PodScheduled", false, reason: "Unschedulable", message: message, since: clock.now())
        if known?.status == "False" { condition.lastTransitionTime = known?.lastTransitionTime }
        do {
            _ = try await client.patch(
                Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
                ["metadata": ["uid": .string(pod.metadata.uid)], "status": ["conditions": [condition.json]]])
        } catch let status as Status where status.reason == .notFound {}
    }
}
