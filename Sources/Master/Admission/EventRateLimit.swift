import Shared
import Synchronization

extension AdmissionPlugin {
    /// Refuses events of a namespace that come faster than the store should be bothered with.
    /// Source: plugin/pkg/admission/eventratelimit; the bounds are `Limits.eventsPerSecond` and `Limits.eventBurstMax`.
    static func eventRateLimit(_ meter: RateMeter) -> Self {
        AdmissionPlugin(name: "EventRateLimit") { call throws(Status) in
            guard call.operation != .delete, call.resource.plural == "events", !call.isDryRun else { return }
            guard meter.allows(call.namespace) else {
                var status = Status(.tooManyRequests, "limit reached on type Namespace for key \(call.namespace)")
                status.retryAfterSeconds = 1
                throw status
            }
        }
    }
}

extension Limits {
    /// Events that may be written for one namespace in a second, over a longer time.
    static let eventsPerSecond = 50
    /// Events that may be written for one namespace at once.
    static let eventBurstMax = 2_000
    /// Namespaces whose rates are metered; above that all begin anew.
    static let rateKeysMax = 4_096
}

/// Token buckets by key: each holds `burst` at most and gains `perSecond`. A class: all requests share it.
final class RateMeter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled: Duration
    }
    private let buckets = Mutex<[String: Bucket]>([:])
    private let perSecond: Int
    private let burst: Int
    private let clock: any WallClock

    init(perSecond: Int, burst: Int, clock: any WallClock) {
        self.perSecond = perSecond
        self.burst = burst
        self.clock = clock
    }

    /// Takes one token of a key; false when there is none.
    func allows(_ key: String) -> Bool {
        let now = clock.uptime()
        return buckets.withLock { buckets in
            if buckets.count >= Limits.rateKeysMax, buckets[key] == nil { buckets = [:] }
            var bucket = buckets[key] ?? Bucket(tokens: Double(burst), filled: now)
            let gained = max(0, (now - bucket.filled).inSeconds) * Double(perSecond)
            bucket.tokens = min(Double(burst), bucket.tokens + gained)
            bucket.filled = now
            let isAllowed = bucket.tokens >= 1
            if isAllowed { bucket.tokens -= 1 }
            buckets[key] = bucket
            return isAllowed
        }
    }
}
