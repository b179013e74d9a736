/// A point in time: nanoseconds since 1970-01-01T00:00:00Z, as the wall clock tells it.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package init(seconds: Int64) { nanoseconds = seconds * 1_000_000_000 }

    /// Whole seconds since the epoch, rounded down.
    package var seconds: Int64 { nanoseconds.flooredDivision(by: 1_000_000_000) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }
    package static func + (time: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(nanoseconds: time.nanoseconds + duration.nanoseconds)
    }
    package static func - (time: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(nanoseconds: time.nanoseconds - duration.nanoseconds)
    }
    package static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        // Times of strangers may lie centuries apart: saturate, never trap.
        let (difference, overflow) = later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return .nanoseconds(overflow ? (later < earlier ? .min : .max) : difference)
    }
}

extension Duration {
    /// The whole duration in nanoseconds; saturates at ±292 years.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : scaled &+ attoseconds / 1_000_000_000
    }
    /// The whole duration in seconds, with its fraction.
    package var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

extension Int64 {
    package func flooredDivision(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder != 0 && (remainder < 0) != (divisor < 0) ? quotient - 1 : quotient
    }
}
