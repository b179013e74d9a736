import Shared

/// What a failed pod means for its job. Source: KEP-3329, KEP-3850, `matchPodFailurePolicy`.
enum JobFailure: Equatable {
    case count
    case ignore
    /// The pod's index has failed for good.
    case failIndex
    case failJob(message: String)

    var isCounted: Bool { self != .ignore }

    /// The first rule of `spec.podFailurePolicy` that the pod matches decides; without one the failure counts.
    init(of pod: Pod, under policy: JSON) {
        for (number, rule) in policy["rules"].items.enumerated() {
            let action = rule["action"].string ?? ""
            let reason: String
            if !rule["onExitCodes"].isNull {
                guard let (name, code) = JobFailure.container(of: pod, matching: rule["onExitCodes"]) else { continue }
                reason = "Container \(name) for pod \(pod.namespace)/\(pod.name) failed with exit code \(code)"
            } else {
                guard let type = JobFailure.condition(of: pod, matching: rule["onPodConditions"]) else { continue }
                reason = "Pod \(pod.namespace)/\(pod.name) has condition \(type)"
            }
            switch action {
            case "Ignore": self = .ignore
            case "FailIndex": self = .failIndex
            case "FailJob": self = .failJob(message: "\(reason) matching \(action) rule at index \(number)")
            default: self = .count
            }
            return
        }
        self = .count
    }

    private static func container(of pod: Pod, matching rule: JSON) -> (name: String, code: Int)? {
        let values = rule["values"].items.compactMap(\.int)
        let only = rule["containerName"].string
        for status in pod.status.containerStatuses + pod.status.initContainerStatuses {
            guard let code = status.state.at("terminated", "exitCode").int, code != 0 else { continue }
            if let only, only != status.name { continue }
            if values.contains(code) == (rule["operator"].string != "NotIn") { return (status.name, code) }
        }
        return nil
    }

    private static func condition(of pod: Pod, matching patterns: JSON) -> String? {
        for pattern in patterns.items {
            let type = pattern["type"].string ?? ""
            let status = pattern["status"].string ?? "True"
            if pod.status.condition(type)?.status == status { return type }
        }
        return nil
    }
}

/// When a part of an indexed job is enough. Source: KEP-3998, `matchSuccessPolicy`.
enum JobSuccess {
    /// What the condition says; nil while no rule of `spec.successPolicy` is met.
    static func message(_ policy: JSON, succeeded: JobIndexes, completions: Int) -> String? {
        guard succeeded.count > 0 else { return nil }
        for (number, rule) in policy["rules"].items.enumerated() {
            let count = rule["succeededCount"].int
            if let text = rule["succeededIndexes"].string {
                let wanted = JobIndexes(parsing: text, limit: completions)
                let met = wanted.commonCount(with: succeeded)
                if met >= count ?? wanted.count { return "Matched rules at index \(number)" }
            } else if let count, succeeded.count >= count {
                return "Matched rules at index \(number)"
            }
        }
        return nil
    }
}

/// The failures that an index of a job has had, carried from pod to pod in annotations. Source: KEP-3850.
enum JobIndexFailures {
    static let counted = "batch.kubernetes.io/job-index-failure-count"
    static let ignored = "batch.kubernetes.io/job-index-ignored-failure-count"

    static func counted(of pod: Pod) -> Int { number(pod, counted) }
    static func ignored(of pod: Pod) -> Int { number(pod, ignored) }

    /// By how much the clocks of nodes may be ahead.
    private static let clockSkewMost = Duration.seconds(60)

    private static func number(_ pod: Pod, _ key: String) -> Int {
        min(pod.metadata.annotations[key].flatMap { Int($0) }.map { max(0, $0) } ?? 0, Int(Int32.max))
    }

    /// The annotations of the pod that comes after a failed one.
    static func annotations(after pod: Pod?, _ failure: JobFailure?) -> [String: String] {
        guard let pod else { return [counted: "0"] }
        let isCounted = failure?.isCounted ?? true
        var annotations = [counted: String(counted(of: pod) + (isCounted ? 1 : 0))]
        let ignored = ignored(of: pod) + (isCounted ? 0 : 1)
        if ignored > 0 { annotations[JobIndexFailures.ignored] = String(ignored) }
        return annotations
    }

    /// How long the successor of a failed pod has to wait: 10 s, doubled with each failure of the index. Nothing when
    /// the pod ended so far in the future that somebody must have set the clock back since.
    static func wait(after pod: Pod, ended: Timestamp, now: Timestamp) -> Duration {
        let failures = counted(of: pod) + ignored(of: pod)
        let delay = Backoff.delay(afterFailures: failures, first: .seconds(10), most: .seconds(600))
        let left = ended + delay - now
        return left > delay + JobIndexFailures.clockSkewMost ? .zero : left
    }
}
