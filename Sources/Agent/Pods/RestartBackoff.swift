import Shared

/// When a container that ended may start again: at once the first time, then after 10 s, doubling to 5 min.
/// Source: kubelet `doBackOff`. A value.
struct RestartBackoff: Equatable, Sendable {
    /// Restarts so far without a long run between them.
    private(set) var restarts = 0

    /// The wait after the end that happened last; zero for the first.
    var delay: Duration {
        guard restarts > 0 else { return .zero }
        return Backoff.delay(
            afterFailures: restarts - 1, first: Limits.restartBackoffFirst, most: Limits.restartBackoffMost)
    }

    /// When the container may start again. A clock that was set back does not make the wait longer.
    func ready(after exit: Timestamp, now: Timestamp) -> Timestamp { min(exit + delay, now + delay) }

    /// Counts a restart of an attempt that ran for `run`.
    mutating func count(run: Duration) { restarts = run >= Limits.restartBackoffReset ? 1 : restarts + 1 }
}
