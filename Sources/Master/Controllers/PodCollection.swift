import Shared
import Synchronization

/// Removes pods that no agent will ever end: on nodes that are gone or marked out of service, never bound though
/// deleted, or finished beyond the limit. Source: the pod garbage collector of kube-controller-manager.
/// A class: it remembers since when a node is missing.
final class PodCollection: Reconciler {
    /// How long a node must be missing before its pods are removed.
    static let quarantine = Duration.seconds(40)

    private let client: Client
    private let pods: Informer<Pod>
    private let nodes: Informer<Node>
    private let clock: any WallClock
    private let missing = Mutex<[String: Duration]>([:])

    init(client: Client, caches: Caches, clock: any WallClock) {
        self.client = client
        pods = caches.pods
        nodes = caches.nodes
        self.clock = clock
    }

    /// Why a pod is to be removed.
    enum Cause: Equatable {
        case outOfService, unscheduled
        /// Its node does not exist; it goes when that lasts.
        case orphaned
    }

    static func cause(_ pod: Pod, on node: Node?) -> Cause? {
        let name = pod.spec.nodeName
        if name.isEmpty { return pod.metadata.isDeleting ? .unscheduled : nil }
        guard let node else { return .orphaned }
        let isOut = node.taints.contains { $0.key == NodeTaint.outOfService }
        return isOut && pod.metadata.isDeleting && !node.isReady ? .outOfService : nil
    }

    /// - Parameter key: a pod.
    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let pod = pods.get(namespace: key.namespace, name: key.name) else { return .settled }
        let node = pod.spec.nodeName.isEmpty ? nil : nodes.get(name: pod.spec.nodeName)
        if let node { missing.withLock { _ = $0.removeValue(forKey: node.name) } }
        if pod.isFinished, pods.count > Limits.finishedPodsMax {
            try await Batches.each(PodCollection.surplus(pods.list())) { [self] in try await remove($0) }
        }
        switch PodCollection.cause(pod, on: node) {
        case nil: break
        case .outOfService, .unscheduled: try await remove(pod)
        case .orphaned:
            let now = clock.uptime()
            let since = missing.withLock { missing in
                let since = missing[pod.spec.nodeName] ?? now
                missing[pod.spec.nodeName] = since
                return since
            }
            let left = since + PodCollection.quarantine - now
            if left > .zero { return .again(after: left) }
            // The cache may lag: the word of the server counts.
            do {
                _ = try await client.get(Node.self, name: pod.spec.nodeName)
            } catch let status as Status where status.reason == .notFound {
                try await remove(pod, saying: "PodGC: node no longer exists")
            }
        }
        return .settled
    }

    /// Finished pods beyond the limit, the oldest first.
    static func surplus(_ pods: [Pod], limit: Int = Limits.finishedPodsMax) -> [Pod] {
        let finished = pods.filter { $0.isFinished && !$0.metadata.isDeleting }
        guard finished.count > limit else { return [] }
        return Array(
            finished.sorted {
                ($0.metadata.creationTimestamp ?? .init(seconds: 0), $0.name)
                    < ($1.metadata.creationTimestamp ?? .init(seconds: 0), $1.name)
            }.prefix(finished.count - limit))
    }

    private func remove(_ pod: Pod, saying message: String? = nil) async throws {
        do {
            if let message {
                try await client.disrupt(pod, reason: "DeletionByPodGC", message: message, now: clock.now())
            }
            if !pod.isFinished {
                _ = try await client.patch(
                    Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .merge,
                    ["metadata": ["uid": .string(pod.metadata.uid)], "status": ["phase": "Failed"]])
            }
            try await client.delete(
                Pod.self, namespace: pod.namespace, name: pod.name, graceSeconds: 0, uid: pod.metadata.uid)
        } catch let status as Status where status.reason == .notFound {}
    }
}
