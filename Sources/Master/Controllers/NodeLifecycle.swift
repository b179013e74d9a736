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
    private let allowance = Mutex(EvictionAllowance())

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
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard var node = nodes.get(name: key.name) else {
            signs.withLock { _ = $0.removeValue(forKey: key.name) }
            allowance.withLock { $0.release(key.name) }
            return .settled
        }
        let silence = silence(of: node)
        let before = NodeHealth.readiness(node)
        if let conditions = NodeHealth.conditions(of: node, silence: silence, grace: grace, now: clock.now()) {
            node.conditions = conditions
            node = try await client.updateStatus(node)
        }
        let readiness = NodeHealth.readiness(node)
        if readiness != .ready { try await markPods(of: node, wasReady: before == .ready) }
        let again = try await taint(node, readiness)
        // Look again when the grace would be over, were there no further sign.
        let wait = silence < grace ? grace - silence : nil
        return [again, wait].compactMap { $0 }.min().map { .again(after: $0) } ?? .settled
    }

    private func silence(of node: Node) -> Duration {
        let now = clock.uptime()
        let renewed = leases.get(namespace: Lease.nodeNamespace, name: node.name)?.renewTime
        let condition = node.condition("Ready")?.json ?? .null
        let isOwnWord = condition["reason"].string.map { $0.hasPrefix("NodeStatus") } ?? false
        return signs.withLock { signs in
            let known = signs[node.name]
            let isAlive = known == nil || known?.lease != renewed || (!isOwnWord && known?.condition != condition)
            let sign = Sign(
                lease: renewed, condition: isOwnWord ? known?.condition ?? .null : condition,
                seen: isAlive ? now : known?.seen ?? now)
            signs[node.name] = sign
            return now - sign.seen
        }
    }

    private func taint(_ node: Node, _ readiness: NodeHealth.Readiness) async throws -> Duration? {
        var isEvicting = false
        var again: Duration?
        if readiness == .ready {
            allowance.withLock { $0.release(node.name) }
        } else {
            let all = nodes.list()
            let lost = all.count { $0.name == node.name || NodeHealth.readiness($0) != .ready }
            (isEvicting, again) = allowance.withLock {
                $0.ask(node.name, lost: lost, of: all.count, now: clock.uptime())
            }
            if !isEvicting, lost == all.count {
                // Nodes that were already being left keep their pods from now on.
                for other in all where other.name != node.name && other.taints.contains(where: NodeLifecycle.isEviction)
                {
                    queue.add(other.key)
                }
            }
        }
        guard let taints = NodeHealth.taints(of: node, evicting: isEvicting, now: clock.now()) else { return again }
        var update = node
        update.taints = taints
        _ = try await client.update(update)
        if readiness == .ready {
            // One node back may end the standstill in which all were lost.
            for other in nodes.list() where NodeHealth.readiness(other) != .ready { queue.add(other.key) }
        }
        return again
    }

    private static func isEviction(_ taint: Taint) -> Bool {
        taint.effect == "NoExecute" && NodeTaint.ownNoExecute.contains(taint.key)
    }

    /// Pods of a node that is not ready are not ready either, so that services stop sending to them.
    private func markPods(of node: Node, wasReady: Bool) async throws {
        if wasReady {
            recorder.event(node, .normal, "NodeNotReady", "Node \(node.name) status is now: NodeNotReady")
        }
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
