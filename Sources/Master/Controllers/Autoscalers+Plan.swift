import Shared

/// How fast replicas may come and go, and what was recommended and done lately. Pure.
/// Source: `horizontal.go` of kube-controller-manager; KEP-853 (behavior).
struct ScalingHistory: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        var time: Timestamp
        var count: Int
    }
    /// What the metrics asked for.
    var recommendations: [Entry] = []
    /// Replicas that were added and taken away.
    var added: [Entry] = []
    var removed: [Entry] = []

    /// Longest time that a behavior may look back, seconds. Source: validation of `stabilizationWindowSeconds`.
    static let longest = Duration.seconds(3600)

    mutating func forget(before now: Timestamp) {
        let start = now - ScalingHistory.longest
        recommendations.removeAll { $0.time < start }
        added.removeAll { $0.time < start }
        removed.removeAll { $0.time < start }
    }

    /// Notes that the count went from `old` to `new`.
    mutating func scaled(from old: Int, to new: Int, at now: Timestamp) {
        if new > old { added.append(Entry(time: now, count: new - old)) }
        if new < old { removed.append(Entry(time: now, count: old - new)) }
    }

    static func sum(_ entries: [Entry], within seconds: Int, of now: Timestamp) -> Int {
        entries.reduce(0) { $1.time > now - .seconds(seconds) ? $0 + $1.count : $0 }
    }
}

/// `spec.behavior.scaleUp` or `scaleDown`, with what Kubernetes puts in for what is missing.
struct ScalingRules: Equatable, Sendable {
    struct Policy: Equatable, Sendable {
        var isPercent: Bool
        var value: Int
        var periodSeconds: Int
    }
    var policies: [Policy]
    /// `Max`, `Min` or `Disabled`.
    var select: String
    var windowSeconds: Int
    var tolerance: Double

    static func up(_ json: JSON) -> ScalingRules {
        ScalingRules(
            json,
            policies: [
                Policy(isPercent: false, value: 4, periodSeconds: 15),
                Policy(isPercent: true, value: 100, periodSeconds: 15),
            ], window: 0)
    }
    static func down(_ json: JSON) -> ScalingRules {
        ScalingRules(json, policies: [Policy(isPercent: true, value: 100, periodSeconds: 15)], window: 300)
    }

    private init(_ json: JSON, policies fallback: [Policy], window: Int) {
        let own = json["policies"].items.map { policy in
            Policy(
                isPercent: policy["type"].string == "Percent",
                value: min(max(0, policy["value"].int ?? 0), Int(Int32.max)),
                periodSeconds: min(max(1, policy["periodSeconds"].int ?? 15), 1800))
        }
        policies = own.isEmpty ? fallback : own
        select = json["selectPolicy"].string ?? "Max"
        windowSeconds = min(max(0, json["stabilizationWindowSeconds"].int ?? window), 3600)
        tolerance = json["tolerance"].string.flatMap { Quantity($0) }?.double ?? json["tolerance"].double ?? 0.1
    }

    /// The most replicas that these rules allow now.
    func upperLimit(_ current: Int, _ history: ScalingHistory, _ now: Timestamp) -> Int {
        if select == "Disabled" { return current }
        let proposals = starts(current, history, now).map { policy, start in
            policy.isPercent
                ? Int(clamping: (Double(start) * (1 + Double(policy.value) / 100)).rounded(.up)) : start + policy.value
        }
        return max(current, (select == "Min" ? proposals.min() : proposals.max()) ?? current)
    }

    /// The fewest replicas that these rules allow now.
    func lowerLimit(_ current: Int, _ history: ScalingHistory, _ now: Timestamp) -> Int {
        if select == "Disabled" { return current }
        let proposals = starts(current, history, now).map { policy, start in
            policy.isPercent
                ? Int(clamping: Double(start) * (1 - Double(policy.value) / 100)) : start - policy.value
        }
        return min(current, (select == "Min" ? proposals.max() : proposals.min()) ?? current)
    }

    /// How many replicas there were when the period of each policy began.
    private func starts(_ current: Int, _ history: ScalingHistory, _ now: Timestamp) -> [(Policy, Int)] {
        policies.map { policy in
            let added = ScalingHistory.sum(history.added, within: policy.periodSeconds, of: now)
            let removed = ScalingHistory.sum(history.removed, within: policy.periodSeconds, of: now)
            return (policy, max(0, current - added + removed))
        }
    }
}

/// From what the metrics ask for to what is done.
struct ScalingDecision: Equatable {
    var replicas: Int
    var isStabilized: Bool
    /// Reason and message of the condition AbleToScale.
    var able: (reason: String, message: String)
    /// Of the condition ScalingLimited.
    var limited: (isTrue: Bool, reason: String, message: String)

    static func == (left: ScalingDecision, right: ScalingDecision) -> Bool {
        left.replicas == right.replicas && left.able == right.able && left.limited == right.limited
    }

    /// - Parameter history: gets the recommendation.
    init(
        _ scaler: HorizontalPodAutoscaler, current: Int, desired: Int, history: inout ScalingHistory, now: Timestamp
    ) {
        let up = ScalingRules.up(scaler.behavior["scaleUp"])
        let down = ScalingRules.down(scaler.behavior["scaleDown"])
        // Steady: not above the lowest nor below the highest that was asked for lately.
        var (lowest, highest) = (desired, desired)
        for past in history.recommendations {
            if past.time > now - .seconds(up.windowSeconds) { lowest = min(lowest, past.count) }
            if past.time > now - .seconds(down.windowSeconds) { highest = max(highest, past.count) }
        }
        history.recommendations.append(.init(time: now, count: desired))
        history.forget(before: now)
        // Without a behavior of its own the highest counts, even above what there is.
        let isPlain = scaler.behavior.object == nil
        let steady = isPlain ? highest : min(max(current, lowest), highest)
        isStabilized = steady != desired
        if !isStabilized {
            able = ("ReadyForNewScale", "recommended size matches current size")
        } else if !isPlain, desired >= current {
            able = (
                "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent recommendation"
            )
        } else {
            able = (
                "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent recommendation"
            )
        }
        replicas = steady
        limited = (false, "DesiredWithinRange", "the desired count is within the acceptable range")
        let prefix = "the desired replica count is "
        if steady > current {
            // Without a behavior of its own: twice as many, or four.
            let rate =
                isPlain
                ? max(4, current.multipliedReportingOverflow(by: 2).partialValue)
                : up.upperLimit(current, history, now)
            let most = min(scaler.maxReplicas, rate)
            if steady > most {
                replicas = most
                limited =
                    rate < scaler.maxReplicas
                    ? (true, "ScaleUpLimit", prefix + "increasing faster than the maximum scale rate")
                    : (true, "TooManyReplicas", prefix + "more than the maximum replica count")
            }
        } else if steady < current {
            let rate = down.lowerLimit(current, history, now)
            let least = max(scaler.minReplicas, rate)
            if steady < least {
                replicas = least
                limited =
                    rate > scaler.minReplicas
                    ? (true, "ScaleDownLimit", prefix + "decreasing faster than the maximum scale rate")
                    : (true, "TooFewReplicas", prefix + "less than the minimum replica count")
            }
        }
    }
}
