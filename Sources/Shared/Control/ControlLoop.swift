/// Takes keys from a queue and reconciles them, `workers` at a time. Every controller, the scheduler and the agent's
/// pods run on this loop.
package struct ControlLoop: Service {
    package let name: String
    package let queue: WorkQueue
    private let reconciler: any Reconciler
    private let workers: Int
    private let ready: @Sendable () async -> Void
    private let log: Log

    /// - Parameter ready: returns when the caches that the reconciler reads are filled; nothing is reconciled before.
    package init(
        _ name: String, _ reconciler: any Reconciler, queue: WorkQueue, workers: Int = 1, log: Log,
        ready: @escaping @Sendable () async -> Void = {}
    ) {
        self.name = name
        self.queue = queue
        self.reconciler = reconciler
        self.workers = workers
        self.ready = ready
        self.log = log.about(name)
    }

    package func run() async throws {
        await ready()
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await queue.runTimer() }
            for _ in 0..<workers {
                group.addTask {
                    while let key = await queue.next() { await process(key) }
                    throw CancellationError()
                }
            }
        }
    }

    private func process(_ key: ObjectKey) async {
        defer { queue.done(key) }
        do {
            let outcome = try await reconciler.reconcile(key)
            queue.succeed(key)
            if case .again(let delay) = outcome { queue.add(key, after: delay) }
        } catch is CancellationError where Task.isCancelled {
        } catch let status as Status where status.reason == .conflict {
            // Somebody else wrote first: the cache brings the newer object, and the next round starts from it.
            log.debug("a newer object is waited for", ("key", key.path))
            queue.retry(key)
        } catch let status as Status where status.isOfEndingNamespace {
            log.debug("the object goes with its namespace", ("key", key.path))
            queue.succeed(key)
        } catch {
            log.warning("the object is tried again", ("key", key.path), ("error", "\(error)"))
            queue.retry(key)
        }
    }
}
