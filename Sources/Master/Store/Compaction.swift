import Shared

/// Lets go of history that is too old or too large, a small step at a time between commits.
struct Compaction: Service {
    let store: Store
    let log: Log
    /// How often it looks.
    var interval = Duration.seconds(60)

    func run() async throws {
        while true {
            try await store.clock.sleep(for: interval)
            do throws(Status) {
                try await pass()
            } catch {
                log.error("history could not be compacted", ("why", error))
            }
        }
    }

    /// Compacts all that is due now.
    func pass() async throws(Status) {
        while try await store.compactionStep(), !Task.isCancelled {}
    }
}
