import Glibc

/// Time as it is passed into everything below `main`: the system's, or one that a test advances by hand.
package protocol WallClock: Sendable {
    /// The wall clock: may jump; used for timestamps that leave the program.
    func now() -> Timestamp
    /// Time since an arbitrary start, which does not count the machine's sleep and never jumps; used for timeouts.
    func uptime() -> Duration
    /// Returns after `duration`, or throws `CancellationError`.
    func sleep(for duration: Duration) async throws
}

/// The machine's clocks. Source: man 2 clock_gettime (CLOCK_REALTIME, CLOCK_MONOTONIC).
package struct SystemClock: WallClock {
    package init() {}

    package func now() -> Timestamp { Timestamp(nanoseconds: read(CLOCK_REALTIME)) }
    package func uptime() -> Duration { .nanoseconds(read(CLOCK_MONOTONIC)) }
    package func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration, tolerance: nil, clock: .suspending)
    }

    private func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
