import Shared
import Synchronization

/// Notices nodes that fall silent, marks and taints them, and says so on their pods.
///
/// A sign of life is a changed Lease or a changed Ready condition. Silence is measured with `uptime`, so that a
/// machine which slept evicts nothing. A class: the times at which signs were seen live here.
final class NodeLifecycle: Reconciler {
    private struct Sign: Equatable {
        var lease: Timestamp?
        var condition: JSON
        var seen: Duration
    }
    private let client: Client
    private let nodes: Informer<Node>
    private let leases: Informer<Lease>
    private let pods: Informer<Pod>
    private let recorder: Recorder
    private let clock: any WallClock
    private let queue: WorkQueue
    private let grace: Duration
    private let signs = Mutex<[String: Sign]>([:])
    private let evictions: Mutex<ZoneEvictions>

    /// - Parameter grace: how long a node may be silent.
    init(
        client: Client, caches: Caches, recorder: Recorder, clock: any WallClock, queue: WorkQueue, grace: Duration
    ) {
        self.client = client
        nodes = caches.nodes
        leases = caches.leases
        pods = caches.pods
        self.recorder = recorder
        self.clock = clock
        self.queue = queue
        self.grace = grace
        evictions = Mutex(ZoneEvictions(calm: grace))
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard var node = nodes.get(name: key.name) else {
            signs.withLock { _ = $0.removeValue(forKey: key.name) }
            if evictions.withLock({ $0.remove(key.name, now: clock.uptime()) }) { wakeLost() }
            return .settled
        }
        let silence = silence(of: node)
        let before = NodeHealth.readiness(node)
        if let conditions = NodeHealth.conditions(of: node, silence: silence, grace: grace, now: clock.now()) {
            node.conditions = conditions
            node = try await client.updateStatus(node)
        }
        let readiness = NodeHealth.readiness(node)
        if before == .ready, readiness != .ready {
            recorder.event(node, .normal, "NodeNotReady", "Node \(node.name) status is now: NodeNotReady")
        }
        if NodeLifecycle.isOwnWord(node.condition("Ready")?.json ?? .null) { try await markPods(of: node) }
        let again = try await taint(node, readiness)
        // Look again when the grace would be over, were there no further sign.
        let wait = silence < grace ? grace - silence : nil
        return [again, wait].compactMap { $0 }.min().map { .again(after: $0) } ?? .settled
    }

    private func silence(of node: Node) -> Duration {
        let now = clock.uptime()
        let renewed = leases.get(namespace: Lease.nodeNamespace, name: node.name)?.renewTime
        let condition = node.condition("Ready")?.json ?? .null
        let isOwnWord = NodeLifecycle.isOwnWord(condition)
        return signs.withLock { signs in
            let known = signs[node.name]
            if known == nil {
                recorder.event(
                    node, .normal, "RegisteredNode",
                    "Node \(node.name) event: Registered Node \(node.name) in Controller")
            }
            let isAlive = known == nil || known?.lease != renewed || (!isOwnWord && known?.condition != condition)
            let sign = Sign(
                lease: renewed, condition: isOwnWord ? known?.condition ?? .null : condition,
                seen: isAlive ? now : known?.seen ?? now)
            signs[node.name] = sign
            return now - sign.seen
        }
    }

    /// Whether a condition was written here, not by the agent.
    private static func isOwnWord(_ condition: JSON) -> Bool {
        condition["reason"].string.map { $0.hasPrefix("NodeStatus") } ?? false
    }

    private func taint(_ node: Node, _ readiness: NodeHealth.Readiness) async throws -> Duration? {
        let now = clock.uptime()
        let (flips, isEvicting, again) = evictions.withLock { evictions in
            if evictions.isEmpty {
                for other in nodes.list() { _ = NodeLifecycle.note(other, in: &evictions, now) }
            }
            let flips = NodeLifecycle.note(node, in: &evictions, now)
            let answer = evictions.ask(node.name, now: now)
            return (flips, answer.isGranted, answer.again)
        }
        if flips { wakeLost() }
        guard let taints = NodeHealth.taints(of: node, evicting: isEvicting, now: clock.now()) else { return again }
        var update = node
        update.taints = taints
        _ = try await client.update(update)
        return again
    }

    /// A node that has not reported yet has no pods to lose and does not count.
    private static func note(_ node: Node, in evictions: inout ZoneEvictions, _ now: Duration) -> Bool {
        guard node.condition("Ready") != nil else { return evictions.remove(node.name, now: now) }
        return evictions.note(
            node.name, zone: node.zone, isLost: NodeHealth.readiness(node) != .ready, now: now)
    }

    /// The standstill in which all nodes are lost has begun or ended: all that are lost are looked at again.
    private func wakeLost() {
        for node in nodes.list() where NodeHealth.readiness(node) != .ready { queue.add(node.key) }
    }

    /// Pods of a node that is not heard of are not ready either, so that services stop sending to them.
    private func markPods(of node: Node) async throws {
        let now = clock.now()
        let affected = pods.list(index: PodIndex.node, node.name).filter { $0.isReady && !$0.isFinished }
        try await Batches.each(affected) { [self] pod in
            guard var ready = pod.status.condition("Ready") else { return }
            ready.json["status"] = "False"
            ready.lastTransitionTime = now
            do {
                _ = try await client.patch(
                    Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
                    ["metadata": ["uid": .string(pod.metadata.uid)], "status": ["conditions": [ready.json]]])
                recorder.event(pod, .warning, "NodeNotReady", "Node is not ready")
            } catch let status as Status where status.reason == .notFound {}
        }
    }
}
