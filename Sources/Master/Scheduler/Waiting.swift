import Shared

/// Pods that fit nowhere, with what may change that. Pure; the scheduler acts on its answers.
struct Waiting: Sendable {
    private struct Entry {
        var attempts: Int
        /// Uptime before which it is not tried again.
        var until: Duration
        var wakes: ClusterChange
        /// False once it is on its way back into the queue.
        var isParked: Bool
    }
    private var entries: [ObjectKey: Entry] = [:]

    /// Source: `podInitialBackoffSeconds`, `podMaxBackoffSeconds`.
    static let first = Duration.seconds(1)
    static let most = Duration.seconds(10)

    /// Notes a failed attempt.
    mutating func park(_ key: ObjectKey, wakes: ClusterChange, now: Duration) {
        guard entries.count < Limits.waitingPodsMax || entries[key] != nil else { return }
        let attempts = (entries[key]?.attempts ?? 0) + 1
        let delay = Backoff.delay(afterFailures: attempts - 1, first: Waiting.first, most: Waiting.most)
        entries[key] = Entry(attempts: attempts, until: now + delay, wakes: wakes, isParked: true)
    }

    mutating func forget(_ key: ObjectKey) { entries[key] = nil }

    /// The pods for which `change` is worth another try, and how long each still has to wait.
    mutating func wake(by change: ClusterChange, now: Duration) -> [(key: ObjectKey, after: Duration)] {
        guard !entries.isEmpty else { return [] }
        var woken: [(ObjectKey, Duration)] = []
        for (key, entry) in entries where entry.isParked && !entry.wakes.isDisjoint(with: change) {
            entries[key]?.isParked = false
            woken.append((key, max(.zero, entry.until - now)))
        }
        return woken
    }

    /// How long the pod has to wait although its turn came.
    func delay(of key: ObjectKey, now: Duration) -> Duration {
        entries[key].map { max(.zero, $0.until - now) } ?? .zero
    }
}
