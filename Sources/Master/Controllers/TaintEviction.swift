import Shared
import Synchronization

/// Deletes pods that do not tolerate a NoExecute taint of their node, after the time that they tolerate it.
/// The time runs by `uptime` from when this process saw the first of its taints: a machine that slept evicts nothing at
/// once. Taints that come or go meanwhile do not change it, as long as the pod tolerates each for a time.
/// A class: it remembers when the time of each pod ends. Source: `processPodOnNode` of the taint eviction controller.
final class TaintEviction: Reconciler {
    private struct Sentence: Equatable {
        var uid: String
        var end: Duration
    }
    private let client: Client
    private let pods: Informer<Pod>
    private let nodes: Informer<Node>
    private let recorder: Recorder
    private let clock: any WallClock
    private let sentences = Mutex<[ObjectKey: Sentence]>([:])

    init(client: Client, caches: Caches, recorder: Recorder, clock: any WallClock) {
        self.client = client
        pods = caches.pods
        nodes = caches.nodes
        self.recorder = recorder
        self.clock = clock
    }

    /// - Parameter key: a pod.
    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let pod = pods.get(namespace: key.namespace, name: key.name), !pod.metadata.isDeleting, !pod.isFinished,
            let node = nodes.get(name: pod.spec.nodeName)
        else {
            sentences.withLock { _ = $0.removeValue(forKey: key) }
            return .settled
        }
        let taints = node.taints.filter { $0.effect == "NoExecute" }
        guard case .atMost(let limit) = Stay(pod.spec, under: taints) else {
            acquit(pod, key)
            return .settled
        }
        if limit > .zero {
            let left = end(of: pod, key, limit) - clock.uptime()
            if left > .zero { return .again(after: left) }
        }
        try await evict(pod)
        sentences.withLock { _ = $0.removeValue(forKey: key) }
        return .settled
    }

    /// When the pod has to leave.
    /// - Parameter limit: how long it may stay, when its time begins now.
    private func end(of pod: Pod, _ key: ObjectKey, _ limit: Duration) -> Duration {
        let now = clock.uptime()
        return sentences.withLock { sentences in
            if let known = sentences[key], known.uid == pod.metadata.uid { return known.end }
            sentences[key] = Sentence(uid: pod.metadata.uid, end: now + limit)
            return now + limit
        }
    }

    private func acquit(_ pod: Pod, _ key: ObjectKey) {
        guard sentences.withLock({ $0.removeValue(forKey: key) }) != nil else { return }
        recorder.event(pod, .normal, "TaintManagerEviction", "Cancelling deletion of Pod \(key.path)")
    }

    private func evict(_ pod: Pod) async throws {
        recorder.event(
            pod, .normal, "TaintManagerEviction", "Marking for deletion Pod \(pod.namespace)/\(pod.name)")
        do {
            try await client.disrupt(
                pod, reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint",
                now: clock.now())
            try await client.delete(Pod.self, namespace: pod.namespace, name: pod.name, uid: pod.metadata.uid)
        } catch let status as Status where status.reason == .notFound {}
    }
}

extension Client {
    /// Says on a pod why the master is about to delete it. Source: KEP-3329.
    func disrupt(_ pod: Pod, reason: String, message: String, now: Timestamp) async throws {
        guard pod.status.condition("DisruptionTarget")?.isTrue != true else { return }
        let condition = Condition("DisruptionTarget", true, reason: reason, message: message, since: now)
        _ = try await patch(
            Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
            ["metadata": ["uid": .string(pod.metadata.uid)], "status": ["conditions": [condition.json]]])
    }
}
