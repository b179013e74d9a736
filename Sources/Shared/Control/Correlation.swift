/// Keeps events from becoming many: a value that a recorder asks about each. Source: client-go `events_cache.go`
/// (`EventAggregator` and `EventSourceObjectSpamFilter` with their default bounds).
struct Correlation {
    /// What events that are combined have in common.
    struct Subject: Hashable {
        let involved: JSON
        let isWarning: Bool
        let reason: String
    }
    /// Stands for the message of what was combined.
    static let combined = "(combined from similar events)"

    private struct Similar {
        var messages: Set<String> = []
        var last: Timestamp
    }
    private struct Bucket {
        var tokens: Double
        var filled: Timestamp
    }
    private var similar: [Subject: Similar] = [:]
    private var buckets: [JSON: Bucket] = [:]

    /// The message as it is to be written, and whether it stands for many that differ.
    mutating func message(
        of text: String, _ subject: Subject, now: Timestamp
    ) -> (text: String, isCombined: Bool) {
        if similar.count > Limits.rememberedEventsMax { similar = [:] }
        var known = similar[subject] ?? Similar(last: now)
        if now - known.last > Limits.similarEventsSpan { known.messages = [] }
        known.last = now
        known.messages.insert(text)
        let isMany = known.messages.count >= Limits.similarEventsMax
        if isMany { known.messages.remove(text) }
        similar[subject] = known
        return isMany ? ("\(Correlation.combined): \(text)", true) : (text, false)
    }

    /// Whether one more event about an object may be written: 25 at once, then one in five minutes.
    mutating func allows(_ involved: JSON, now: Timestamp) -> Bool {
        if buckets.count > Limits.rememberedEventsMax { buckets = [:] }
        var bucket = buckets[involved] ?? Bucket(tokens: Limits.eventBurst, filled: now)
        let gained = max(0, (now - bucket.filled).inSeconds) / Limits.eventRefillSeconds
        bucket.tokens = min(Limits.eventBurst, bucket.tokens + gained)
        bucket.filled = max(now, bucket.filled)
        defer { buckets[involved] = bucket }
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }
}

extension Limits {
    /// Different messages of one reason about one object, from which on they are combined.
    static let similarEventsMax = 10
    /// Quiet time after which messages are told apart again.
    static let similarEventsSpan = Duration.seconds(600)
    /// Events about one object at once.
    static let eventBurst = 25.0
    /// Seconds after which one more may be written.
    static let eventRefillSeconds = 300.0
}
