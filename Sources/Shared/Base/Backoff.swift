/// Waiting times that double from `first` to `most`. A value: the caller keeps one per retried thing.
package struct Backoff: Hashable, Sendable {
    package let first: Duration
    package let most: Duration
    package private(set) var failures = 0

    package init(first: Duration, most: Duration) {
        self.first = first
        self.most = most
    }

    /// Counts one more failure and tells how long to wait before the next attempt.
    package mutating func next() -> Duration {
        let delay = Backoff.delay(afterFailures: failures, first: first, most: most)
        failures += 1
        return delay
    }

    package mutating func reset() { failures = 0 }

    /// `first × 2^failures`, at most `most`.
    package static func delay(afterFailures failures: Int, first: Duration, most: Duration) -> Duration {
        guard failures < 40 else { return most }
        return min(most, first * (1 << failures))
    }
}
