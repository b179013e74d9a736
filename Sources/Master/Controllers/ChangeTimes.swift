import Shared
import Synchronization

/// When that happened which makes endpoints change, so that clients can tell how long it took to reach them.
/// A class: it remembers what it has seen of each service. Source: `TriggerTimeTracker`.
final class ChangeTimes: Sendable {
    static let annotation = "endpoints.kubernetes.io/last-change-trigger-time"

    private struct Seen {
        var service: Timestamp?
        /// When a pod became ready or ceased to be, by name.
        var pods: [String: Timestamp] = [:]
    }
    private let seen = Mutex<[ObjectKey: Seen]>([:])

    /// The earliest of the changes since the last call; of a new service its creation. Nil when there are none.
    /// - Parameter pods: those that the service selects.
    func trigger(of service: ClusterService, _ pods: [Pod]) -> Timestamp? {
        var now = Seen(service: service.metadata.creationTimestamp)
        for pod in pods { now.pods[pod.name] = pod.status.condition("Ready")?.lastTransitionTime }
        let before = seen.withLock { $0.updateValue(now, forKey: service.key) }
        guard let before else { return now.service }
        var changes = now.pods.filter { name, time in before.pods[name].map { time > $0 } ?? true }.map(\.value)
        if let made = now.service, before.service.map({ made > $0 }) ?? true { changes.append(made) }
        return changes.min()
    }

    func forget(_ key: ObjectKey) { seen.withLock { _ = $0.removeValue(forKey: key) } }
}
