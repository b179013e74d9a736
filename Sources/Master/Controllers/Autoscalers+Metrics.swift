import Shared

/// What one pod used, as the metrics API tells it.
struct PodMetric: Equatable, Sendable {
    /// Thousandths of the unit.
    var value: Int
    var time: Timestamp
    var window: Duration
}

/// How many replicas one metric asks for. Pure. Source: `replica_calculator.go` of kube-controller-manager.
struct ReplicaCalculation: Sendable {
    struct Failure: Error, Equatable, CustomStringConvertible { let description: String }
    struct Result: Equatable, Sendable {
        var replicas: Int
        /// Percent of what the pods request.
        var utilization: Int?
        /// Per pod, in thousandths.
        var average: Int
    }
    /// How far usage may be off the target without any change.
    struct Tolerance: Equatable, Sendable {
        var up = 0.1
        var down = 0.1
        func admits(_ ratio: Double) -> Bool { ratio <= 1 + up && ratio >= 1 - down }
    }

    /// The CPU usage of a pod that started so recently may come from its start.
    static let startPeriod = Duration.seconds(300)
    /// A pod that turned unready so soon after its start was never ready.
    static let readinessDelay = Duration.seconds(30)

    let pods: [Pod]
    let current: Int
    let isCPU: Bool
    let tolerance: Tolerance
    let now: Timestamp

    private struct Groups {
        var ready = 0
        var unready: Set<String> = []
        var missing: Set<String> = []
        var ignored: Set<String> = []
    }

    /// Against a share of what the pods request.
    /// - Parameters:
    ///   - requests: thousandths, by pod.
    ///   - target: percent.
    func utilization(
        _ metrics: [String: PodMetric], requests: [String: Int], target: Int
    ) throws(Failure) -> Result {
        var used = metrics.mapValues(\.value)
        let ratio: ([String: Int]) throws(Failure) -> (Double, Int, Int) = { used throws(Failure) in
            var usage = 0.0
            var requested = 0.0
            var count = 0
            for (pod, value) in used {
                guard let request = requests[pod] else { continue }
                usage += Double(value)
                requested += Double(request)
                count += 1
            }
            guard requested > 0 else { throw Failure(description: "no metrics returned matched known pods") }
            let percent = Int(clamping: usage * 100 / requested)
            return (Double(percent) / Double(max(1, target)), percent, Int(clamping: usage / Double(max(1, count))))
        }
        let groups = try group(&used, metrics)
        let (first, percent, average) = try ratio(used)
        let replicas = try settle(first, groups, &used, ratio: { used throws(Failure) in try ratio(used).0 }) { pod in
            // On the way down a pod without metrics counts as busy.
            Int(clamping: Double(requests[pod] ?? 0) * Double(max(100, target)) / 100)
        }
        return Result(replicas: replicas, utilization: percent, average: average)
    }

    /// Against an amount per pod.
    /// - Parameter target: thousandths.
    func average(_ metrics: [String: PodMetric], target: Int) throws(Failure) -> Result {
        var used = metrics.mapValues(\.value)
        func mean(_ used: [String: Int]) -> Double {
            (used.values.reduce(0.0) { $0 + Double($1) } / Double(max(1, used.count))).rounded(.down)
        }
        let groups = try group(&used, metrics)
        let usage = mean(used)
        let replicas = try settle(
            usage / Double(max(1, target)), groups, &used, ratio: { mean($0) / Double(max(1, target)) }
        ) { _ in target }
        return Result(replicas: replicas, utilization: nil, average: Int(clamping: usage))
    }

    /// Against the value of something else than the pods.
    /// - Parameters: thousandths.
    func total(_ value: Int, target: Int) throws(Failure) -> Result {
        let ratio = Double(value) / Double(max(1, target))
        if tolerance.admits(ratio) { return Result(replicas: current, utilization: nil, average: value) }
        guard !pods.isEmpty else {
            throw Failure(
                description:
                    "unable to calculate ready pods: no pods returned by selector while calculating replica count")
        }
        let ready = pods.count { $0.status.phase == .running && $0.isReady }
        return Result(
            replicas: Int(clamping: (ratio * Double(ready)).rounded(.up)), utilization: nil, average: value)
    }

    /// Against the value of something else than the pods, shared out among the replicas that there are.
    func share(_ value: Int, of replicas: Int, target: Int) -> Result {
        let wanted = Double(value) / Double(max(1, target))
        let isNear = replicas > 0 && tolerance.admits(wanted / Double(replicas))
        let average = replicas > 0 ? Int(clamping: (Double(value) / Double(replicas)).rounded(.up)) : 0
        return Result(
            replicas: isNear ? replicas : Int(clamping: wanted.rounded(.up)), utilization: nil, average: average)
    }

    private func group(_ used: inout [String: Int], _ metrics: [String: PodMetric]) throws(Failure) -> Groups {
        guard !pods.isEmpty else {
            throw Failure(description: "no pods returned by selector while calculating replica count")
        }
        var groups = Groups()
        for pod in pods {
            let name = pod.name
            if pod.metadata.isDeleting || pod.isFinished {
                groups.ignored.insert(name)
            } else if pod.status.phase == .pending {
                groups.unready.insert(name)
            } else if let metric = metrics[name] {
                if isCPU, isUnready(pod, metric) { groups.unready.insert(name) } else { groups.ready += 1 }
            } else {
                groups.missing.insert(name)
            }
        }
        for name in groups.ignored.union(groups.unready) { used[name] = nil }
        guard !used.isEmpty else {
            throw Failure(description: "did not receive metrics for targeted pods (pods might be unready)")
        }
        return groups
    }

    private func isUnready(_ pod: Pod, _ metric: PodMetric) -> Bool {
        guard let ready = pod.status.condition("Ready"), let started = pod.status.startTime else { return true }
        let since = ready.lastTransitionTime ?? started
        if started + ReplicaCalculation.startPeriod > now {
            return ready.status == "False" || metric.time < since + metric.window
        }
        return ready.status == "False" && started + ReplicaCalculation.readinessDelay > since
    }

    /// Weighs pods in whose disfavour it is not certain, so that uncertainty slows a change instead of causing one.
    private func settle(
        _ first: Double, _ groups: Groups, _ used: inout [String: Int],
        ratio: ([String: Int]) throws(Failure) -> Double, fallback: (String) -> Int
    ) throws(Failure) -> Int {
        let isUncertain = !groups.unready.isEmpty && first > 1
        if !isUncertain, groups.missing.isEmpty {
            return tolerance.admits(first) ? current : Int(clamping: (first * Double(groups.ready)).rounded(.up))
        }
        if first < 1 { for pod in groups.missing { used[pod] = fallback(pod) } }
        if first > 1 { for pod in groups.missing { used[pod] = 0 } }
        if isUncertain { for pod in groups.unready { used[pod] = 0 } }
        let second = try ratio(used)
        if tolerance.admits(second) || (first < 1 && second > 1) || (first > 1 && second < 1) { return current }
        let replicas = Int(clamping: (second * Double(used.count)).rounded(.up))
        if (second < 1 && replicas > current) || (second > 1 && replicas < current) { return current }
        return replicas
    }
}

extension Int {
    /// The whole part of a number, as near as an `Int` comes; 0 for what is no number.
    init(clamping value: Double) {
        if value.isNaN {
            self = 0
        } else {
            self = value >= 9e18 ? .max : value <= -9e18 ? .min : Int(value)
        }
    }
}
