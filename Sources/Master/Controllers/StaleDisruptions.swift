import Shared

/// Takes back that a pod is about to be disrupted when it is still there after a time and nobody deletes it.
/// Source: `syncStalePodDisruption` of the disruption controller, KEP-3329.
struct StaleDisruptions: Reconciler {
    /// Source: `stalePodDisruptionTimeout`.
    static let timeout = Duration.seconds(120)

    let client: Client
    let pods: Informer<Pod>
    let clock: any WallClock

    /// - Parameter key: a pod.
    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let pod = pods.get(namespace: key.namespace, name: key.name),
            let left = StaleDisruptions.timeLeft(of: pod, now: clock.now())
        else { return .settled }
        if left > .zero { return .again(after: left) }
        // Without a reason: it is no more.
        let condition: JSON = [
            "type": "DisruptionTarget", "status": "False", "lastTransitionTime": .string(clock.now().rfc3339),
            "reason": nil, "message": nil,
        ]
        do {
            _ = try await client.patch(
                Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
                [
                    "metadata": [
                        "uid": .string(pod.metadata.uid), "resourceVersion": .string(pod.metadata.resourceVersion),
                    ],
                    "status": ["conditions": [condition]],
                ])
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }

    /// How long the pod's announcement stands yet; nil when there is none that ends by itself. What an agent announces
    /// it carries out, however long that takes.
    static func timeLeft(of pod: Pod, now: Timestamp) -> Duration? {
        guard !pod.metadata.isDeleting, !pod.isFinished, let condition = pod.status.condition("DisruptionTarget"),
            condition.isTrue, condition.reason != "TerminationByKubelet", let since = condition.lastTransitionTime
        else { return nil }
        return max(.zero, since + timeout - now)
    }
}
