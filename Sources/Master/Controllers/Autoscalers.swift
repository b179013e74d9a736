import Shared
import Synchronization

/// Sets the replica count of workloads by what their pods use. A class: it remembers what was recommended lately.
final class Autoscalers: Reconciler {
    /// How often a workload is looked at. Source: `--horizontal-pod-autoscaler-sync-period`.
    static let period = Duration.seconds(15)

    private let client: Client
    private let scalers: Informer<HorizontalPodAutoscaler>
    private let pods: Informer<Pod>
    private let type: @Sendable (_ apiVersion: String, _ kind: String) async -> KindType?
    private let recorder: Recorder
    private let clock: any WallClock
    private let reader: MetricsReader
    private let histories = Mutex<[ObjectKey: ScalingHistory]>([:])
    /// The pods that each autoscaler goes by, as its target said last.
    private let selectors = Mutex<[ObjectKey: LabelSelector]>([:])

    init(
        client: Client, caches: Caches,
        type: @escaping @Sendable (_ apiVersion: String, _ kind: String) async -> KindType?, recorder: Recorder,
        clock: any WallClock
    ) {
        self.client = client
        scalers = caches.autoscalers
        pods = caches.pods
        self.type = type
        self.recorder = recorder
        self.clock = clock
        reader = MetricsReader(client: client, type: type)
    }

    /// The state of one look at a workload: the object with its status as it grows.
    private struct Round {
        var scaler: HorizontalPodAutoscaler
        /// Of the target's scale; empty until the scale is known.
        var path = ""
        var current = 0
        var metrics: [JSON] = []
        let now: Timestamp
        /// The same on a clock that nobody sets: what was done lately is told by it.
        let moment: Timestamp

        mutating func put(_ type: String, _ isTrue: Bool, _ reason: String, _ message: String) {
            var conditions = scaler.conditions
            conditions.put(Condition(type, isTrue, reason: reason, message: message, since: now))
            scaler.conditions = conditions
        }
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let scaler = scalers.get(namespace: key.namespace, name: key.name), !scaler.metadata.isDeleting else {
            histories.withLock { _ = $0.removeValue(forKey: key) }
            selectors.withLock { _ = $0.removeValue(forKey: key) }
            return .settled
        }
        let kind = scaler.target["kind"].string ?? ""
        let name = scaler.target["name"].string ?? ""
        var round = Round(
            scaler: scaler, now: clock.now(), moment: Timestamp(seconds: 0) + clock.uptime())
        round.scaler.status["observedGeneration"] = JSON(scaler.metadata.generation)
        do {
            guard let type = await type(scaler.target["apiVersion"].string ?? "", kind) else {
                throw Status(
                    .notFound, "no matches for kind \"\(kind)\" in group \"\(scaler.target["apiVersion"].text)\"")
            }
            let path = type.path(namespace: scaler.namespace, name: name, subresource: "scale")
            let scale = try await client.call("GET", path)
            round.path = path
            try await look(&round, scale, key)
        } catch let status as Status where round.path.isEmpty {
            recorder.event(scaler, .warning, "FailedGetScale", status.message)
            round.put(
                "AbleToScale", false, "FailedGetScale",
                "the HPA controller was unable to get the target's current scale: \(status.message)")
            for count in ["currentReplicas", "desiredReplicas"] where round.scaler.status[count].isNull {
                round.scaler.status[count] = 0
            }
        }
        try await report(round.scaler, before: scaler)
        return .again(after: Autoscalers.period)
    }

    private func look(_ round: inout Round, _ scale: JSON, _ key: ObjectKey) async throws {
        let current = min(scale["spec"]["replicas"].int ?? 0, Int(Int32.max))
        round.current = current
        round.put(
            "AbleToScale", true, "SucceededGetScale",
            "the HPA controller was able to get the target's current scale")
        var history = histories.withLock { $0[key] } ?? ScalingHistory()
        if history.recommendations.isEmpty { history.recommendations = [.init(time: round.moment, count: current)] }
        defer { histories.withLock { $0[key] = history } }
        var desired = current
        var reason = ""
        let scaler = round.scaler
        if current == 0, scaler.minReplicas != 0 {
            round.put(
                "ScalingActive", false, "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero")
        } else if current > scaler.maxReplicas {
            reason = "Current number of replicas above Spec.MaxReplicas"
            desired = scaler.maxReplicas
        } else if current < scaler.minReplicas {
            reason = "Current number of replicas below Spec.MinReplicas"
            desired = scaler.minReplicas
        } else {
            guard let (wanted, metric) = await measure(&round, scale) else {
                round.scaler.status["currentReplicas"] = JSON(current)
                if round.scaler.status["desiredReplicas"].isNull { round.scaler.status["desiredReplicas"] = 0 }
                setMetrics(&round)
                return
            }
            reason = wanted > current ? "\(metric) above target" : "All metrics below target"
            let decision = ScalingDecision(
                scaler, current: current, desired: wanted, history: &history, now: round.moment)
            round.put("AbleToScale", true, decision.able.reason, decision.able.message)
            round.put("ScalingLimited", decision.limited.isTrue, decision.limited.reason, decision.limited.message)
            desired = decision.replicas
        }
        if desired != current, !(await rescale(&round, scale, to: desired, because: reason)) { return }
        history.scaled(from: current, to: desired, at: round.moment)
        round.scaler.status["currentReplicas"] = JSON(current)
        round.scaler.status["desiredReplicas"] = JSON(desired)
        if desired != current { round.scaler.status["lastScaleTime"] = .string(round.now.rfc3339) }
        setMetrics(&round)
    }

    private func setMetrics(_ round: inout Round) {
        round.scaler.status["currentMetrics"] = round.metrics.isEmpty ? .null : .array(round.metrics)
    }

    /// Writes the new count. False when that was refused.
    private func rescale(_ round: inout Round, _ scale: JSON, to count: Int, because reason: String) async -> Bool {
        var scale = scale
        scale["spec"]["replicas"] = JSON(count)
        do {
            _ = try await client.call("PUT", round.path, body: scale)
        } catch {
            recorder.event(
                round.scaler, .warning, "FailedRescale", "New size: \(count); reason: \(reason); error: \(error)")
            round.put(
                "AbleToScale", false, "FailedUpdateScale",
                "the HPA controller was unable to update the target scale: \(error)")
            round.scaler.status["currentReplicas"] = JSON(round.current)
            return false
        }
        round.put(
            "AbleToScale", true, "SucceededRescale",
            "the HPA controller was able to update the target scale to \(count)")
        recorder.event(round.scaler, .normal, "SuccessfulRescale", "New size: \(count); reason: \(reason)")
        return true
    }

    // MARK: Metrics

    /// The highest count that a metric asks for, and that metric; nil when they cannot be told.
    private func measure(_ round: inout Round, _ scale: JSON) async -> (Int, String)? {
        let selector = scale["status"]["selector"].string ?? ""
        let selected: [Pod]
        do { selected = try pods(of: round.scaler, selector) } catch {
            recorder.event(round.scaler, .warning, error.event, error.description)
            round.put("ScalingActive", false, error.reason, error.message)
            recorder.event(round.scaler, .warning, "FailedComputeMetricsReplicas", error.description)
            return nil
        }
        let scaler = round.scaler
        let specs = scaler.metrics.isEmpty ? [Autoscalers.standardMetric] : scaler.metrics
        var best: (Int, String)?
        var failures: [MetricsReader.Failure] = []
        for spec in specs {
            let question = MetricQuestion(
                spec: spec, scaler: scaler, selector: selector, pods: selected, current: round.current,
                statusReplicas: scale["status"]["replicas"].int ?? 0, now: round.now)
            do {
                let answer = try await question.answer(reader)
                round.metrics.append(answer.status)
                if best == nil || answer.replicas > best?.0 ?? 0 { best = (answer.replicas, answer.name) }
            } catch {
                // Readers find the metric of a specification at the same place.
                round.metrics.append(["type": ""])
                failures.append(error)
                recorder.event(scaler, .warning, error.reason, error.description)
            }
        }
        if best == nil { round.metrics = [] }
        if let first = failures.first, best == nil || (best?.0 ?? 0) < round.current {
            round.put(
                "ScalingActive", false, first.reason,
                "the HPA was unable to compute the replica count: \(first.description)")
            recorder.event(
                scaler, .warning, "FailedComputeMetricsReplicas",
                "invalid metrics (\(failures.count) invalid out of \(specs.count)), first error is: \(first.summary)")
            return nil
        }
        if let best {
            round.put(
                "ScalingActive", true, "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count from \(best.1)")
        }
        return best
    }

    /// Why an autoscaler does not know which pods it goes by.
    private struct NoPods: Error {
        let event: String
        let description: String
        /// Of the condition.
        let reason: String
        let message: String
    }

    /// The pods that the target selects.
    /// - Throws: also when another autoscaler goes by one of them: the two would undo each other's work.
    private func pods(of scaler: HorizontalPodAutoscaler, _ selector: String) throws(NoPods) -> [Pod] {
        guard !selector.isEmpty else {
            throw NoPods(
                event: "SelectorRequired", description: "selector is required", reason: "InvalidSelector",
                message: "the HPA target's scale is missing a selector")
        }
        let parsed: LabelSelector
        do { parsed = try LabelSelector(parsing: selector) } catch {
            let why = "couldn't convert selector into a corresponding internal selector object: \(error)"
            throw NoPods(event: "InvalidSelector", description: why, reason: "InvalidSelector", message: why)
        }
        let selected = pods.list(index: PodIndex.namespace, scaler.namespace)
            .filter { parsed.matches($0.metadata.labels) }
        let others = selectors.withLock { selectors in
            selectors[scaler.key] = parsed
            return selectors.filter { key, other in
                key != scaler.key && key.namespace == scaler.namespace
                    && selected.contains { other.matches($0.metadata.labels) }
            }.keys.map(\.path)
        }
        guard let first = others.min() else { return selected }
        let names = [scaler.key.path, first].sorted().joined(separator: " ")
        let why = "pods by selector \(selector) are controlled by more than one HPA (e.g. [\(names)])"
        throw NoPods(event: "AmbiguousSelector", description: why, reason: "AmbiguousSelector", message: why)
    }

    /// What an autoscaler without metrics goes by. Source: defaults of autoscaling/v2.
    private static let standardMetric: JSON = [
        "type": "Resource",
        "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
    ]

    private func report(_ scaler: HorizontalPodAutoscaler, before: HorizontalPodAutoscaler) async throws {
        guard scaler.status != before.status else { return }
        do { _ = try await client.updateStatus(scaler) } catch let status as Status where status.reason == .notFound {}
    }
}
