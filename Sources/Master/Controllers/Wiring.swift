import Shared

/// Collects loops while they are being connected to the caches.
struct Wiring {
    let caches: Caches
    let clock: any WallClock
    let log: Log
    var services: [any Service] = []
    var queues: [String: WorkQueue] = [:]
    /// Called when any object is gone.
    private(set) var removalHandlers: [@Sendable (ObjectMeta) -> Void] = []

    mutating func onRemoval(_ handler: @escaping @Sendable (ObjectMeta) -> Void) { removalHandlers.append(handler) }

    /// - Parameter backoff: after failures; nil takes the queue's own.
    mutating func queue(_ name: String, backoff: Backoff? = nil) -> WorkQueue {
        let queue = backoff.map { WorkQueue(clock: clock, backoff: $0) } ?? WorkQueue(clock: clock)
        queues[name] = queue
        return queue
    }

    mutating func recorder(_ client: Client, _ component: String) -> Recorder {
        let recorder = Recorder(client, component: component, clock: clock, log: log.about(component))
        services.append(recorder)
        return recorder
    }

    mutating func run(_ name: String, _ reconciler: any Reconciler, _ queue: WorkQueue, workers: Int = 4) {
        let caches = caches
        services.append(
            ControlLoop(name, reconciler, queue: queue, workers: workers, log: log) { await caches.waitUntilSynced() })
    }
}
