import Shared

/// One metric of an autoscaler, and how many replicas it asks for.
struct MetricQuestion: Sendable {
    struct Answer: Sendable {
        var replicas: Int
        /// As events name it.
        var name: String
        /// An entry of `status.currentMetrics`.
        var status: JSON
    }
    let spec: JSON
    let scaler: HorizontalPodAutoscaler
    let selector: String
    let pods: [Pod]
    let current: Int
    /// Replicas that the target says it has.
    let statusReplicas: Int
    let now: Timestamp

    func answer(_ reader: MetricsReader) async throws(MetricsReader.Failure) -> Answer {
        switch spec["type"].string ?? "" {
        case "Resource": try await resource(spec["resource"], "Resource", reader)
        case "ContainerResource": try await resource(spec["containerResource"], "ContainerResource", reader)
        case "Pods": try await podMetric(spec["pods"], reader)
        case "Object": try await object(spec["object"], reader)
        case "External": try await external(spec["external"], reader)
        default:
            throw MetricsReader.Failure(
                "InvalidMetricSourceType", "unknown metric source type \"\(spec["type"].string ?? "")\"")
        }
    }

    private func calculation(isCPU: Bool) -> ReplicaCalculation {
        let tolerance = ReplicaCalculation.Tolerance(
            up: ScalingRules.up(scaler.behavior["scaleUp"]).tolerance,
            down: ScalingRules.down(scaler.behavior["scaleDown"]).tolerance)
        return ReplicaCalculation(pods: pods, current: current, isCPU: isCPU, tolerance: tolerance, now: now)
    }

    private func resource(
        _ source: JSON, _ kind: String, _ reader: MetricsReader
    ) async throws(MetricsReader.Failure) -> Answer {
        let name = source["name"].string ?? ""
        let container = source["container"].string ?? ""
        let target = source["target"]
        let calculation = calculation(isCPU: name == "cpu")
        let reason = "FailedGet\(kind)Metric"
        let field = kind == "Resource" ? "resource" : "containerResource"
        func entry(_ now: JSON) -> JSON {
            var value: JSON = ["name": .string(name), "current": now]
            if !container.isEmpty { value["container"] = .string(container) }
            return ["type": .string(kind), field: value]
        }
        let read: () async throws(ReplicaCalculation.Failure) -> [String: PodMetric] = {
            () async throws(ReplicaCalculation.Failure) in
            try await about("unable to get metrics for resource \(name)") {
                () async throws(ReplicaCalculation.Failure) in
                try await reader.resource(
                    name, namespace: scaler.namespace, selector: selector, container: container)
            }
        }
        if let value = target["averageValue"].string.flatMap({ Quantity($0) }) {
            let result = try await told(reason, "") { () async throws(ReplicaCalculation.Failure) in
                try await about("failed to get \(name) usage") { () async throws(ReplicaCalculation.Failure) in
                    try calculation.average(try await read(), target: value.milli)
                }
            }
            return Answer(
                replicas: result.replicas, name: "\(name) resource",
                status: entry(["averageValue": MetricQuestion.amount(result.average, of: name)]))
        }
        guard let percent = target["averageUtilization"].int else {
            throw MetricsReader.Failure(
                reason,
                "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"
            )
        }
        let result = try await told(reason, "") { () async throws(ReplicaCalculation.Failure) in
            try await about("failed to get \(name) utilization") { () async throws(ReplicaCalculation.Failure) in
                let metrics = try await read()
                return try calculation.utilization(
                    metrics, requests: try requests(name, container), target: percent)
            }
        }
        let title = container.isEmpty ? "resource" : "container resource"
        return Answer(
            replicas: result.replicas, name: "\(name) \(title) utilization (percentage of request)",
            status: entry([
                "averageUtilization": JSON(result.utilization ?? 0),
                "averageValue": MetricQuestion.amount(result.average, of: name),
            ]))
    }

    /// How much of a resource there is, as the status shows it: bytes in powers of 1024.
    static func amount(_ milli: Int, of resource: String) -> JSON {
        guard resource == "memory" else { return .string(Quantity(milli: milli).description) }
        let bytes = milli / 1000 + (milli % 1000 > 0 ? 1 : 0)
        return .string(Quantity(bytes, format: .binarySI).description)
    }

    /// What each pod requests of a resource, thousandths.
    private func requests(
        _ resource: String, _ container: String
    ) throws(ReplicaCalculation.Failure) -> [String: Int] {
        var requests: [String: Int] = [:]
        for pod in pods {
            if container.isEmpty, !pod.spec.json.at("resources", "requests").members.isEmpty {
                guard let request = PodAmounts.sum(pod.spec.json, "requests")[resource] else {
                    throw ReplicaCalculation.Failure(
                        description: "missing pod-level request for \(resource) in Pod \(pod.name)")
                }
                requests[pod.name] = request.milli
                continue
            }
            var sum = Quantity(0)
            let sidecars = pod.spec.initContainers.filter { $0.json["restartPolicy"].string == "Always" }
            let counted = (pod.spec.containers + sidecars).filter { container.isEmpty || $0.name == container }
            if counted.isEmpty, !container.isEmpty {
                throw ReplicaCalculation.Failure(description: "container \(container) not found in Pod \(pod.name)")
            }
            for one in counted {
                guard let request = one.requests[resource] else {
                    throw ReplicaCalculation.Failure(
                        description: "missing request for \(resource) in container \(one.name) of Pod \(pod.name)")
                }
                sum = sum + request
            }
            requests[pod.name] = sum.milli
        }
        return requests
    }

    private func podMetric(_ source: JSON, _ reader: MetricsReader) async throws(MetricsReader.Failure) -> Answer {
        let name = source["metric"]["name"].string ?? ""
        let target = source["target"]["averageValue"].string.flatMap { Quantity($0) }?.milli ?? 0
        let result = try await told("FailedGetPodsMetric", "failed to get pods metric value: ") {
            () async throws(ReplicaCalculation.Failure) in
            let metrics = try await about("unable to get metric \(name)") {
                () async throws(ReplicaCalculation.Failure) in
                try await reader.pods(source["metric"], namespace: scaler.namespace, selector: selector)
            }
            return try calculation(isCPU: false).average(metrics, target: target)
        }
        return Answer(
            replicas: result.replicas, name: "pods metric \(name)",
            status: [
                "type": "Pods",
                "pods": [
                    "metric": source["metric"],
                    "current": ["averageValue": .string(Quantity(milli: result.average).description)],
                ],
            ])
    }

    private func object(_ source: JSON, _ reader: MetricsReader) async throws(MetricsReader.Failure) -> Answer {
        let name = source["metric"]["name"].string ?? ""
        let described = source["describedObject"]
        let kind = described["kind"].string ?? ""
        let place = "\(kind) \(scaler.namespace)/\(described["name"].string ?? "")"
        let isShared = source["target"]["type"].string == "AverageValue"
        let summary = "failed to get object metric value: \(isShared ? "failed to get \(name) object metric: " : "")"
        let (result, now) = try await told("FailedGetObjectMetric", summary) {
            () async throws(ReplicaCalculation.Failure) in
            let value = try await about("unable to get metric \(name) on \(place)") {
                () async throws(ReplicaCalculation.Failure) in
                try await reader.object(source["metric"], of: described, in: scaler.namespace)
            }
            return try against(value, source["target"], "object")
        }
        return Answer(
            replicas: result.replicas,
            name: isShared ? MetricQuestion.name(ofExternal: source["metric"]) : "\(kind) metric \(name)",
            status: [
                "type": "Object",
                "object": ["metric": source["metric"], "describedObject": described, "current": now],
            ])
    }

    private func external(_ source: JSON, _ reader: MetricsReader) async throws(MetricsReader.Failure) -> Answer {
        let name = source["metric"]["name"].string ?? ""
        let chosen = LabelSelector.goText(source["metric"]["selector"])
        let isShared = !source["target"]["averageValue"].isNull
        let summary = isShared ? "failed to get \(name) external metric: " : "failed to get external metric \(name): "
        let (result, now) = try await told("FailedGetExternalMetric", summary) {
            () async throws(ReplicaCalculation.Failure) in
            let value = try await about("unable to get external metric \(scaler.namespace)/\(name)/\(chosen)") {
                () async throws(ReplicaCalculation.Failure) in
                try await reader.external(source["metric"], in: scaler.namespace)
            }
            return try against(value, source["target"], "external")
        }
        return Answer(
            replicas: result.replicas, name: MetricQuestion.name(ofExternal: source["metric"]),
            status: ["type": "External", "external": ["metric": source["metric"], "current": now]])
    }

    private static func name(ofExternal metric: JSON) -> String {
        "external metric \(metric["name"].string ?? "")(\(LabelSelector.goText(metric["selector"])))"
    }

    /// What one value for the whole workload asks for, and that value as the status shows it.
    private func against(
        _ value: Int, _ target: JSON, _ kind: String
    ) throws(ReplicaCalculation.Failure) -> (ReplicaCalculation.Result, JSON) {
        let calculation = calculation(isCPU: false)
        if let average = target["averageValue"].string.flatMap({ Quantity($0) }) {
            let result = calculation.share(value, of: statusReplicas, target: average.milli)
            return (result, ["averageValue": .string(Quantity(milli: result.average).description)])
        }
        guard let whole = target["value"].string.flatMap({ Quantity($0) }) else {
            throw ReplicaCalculation.Failure(
                description:
                    "invalid \(kind) metric source: neither a value target nor an average value target was set")
        }
        let result = try calculation.total(value, target: whole.milli)
        return (result, ["value": .string(Quantity(milli: result.average).description)])
    }

    /// Runs `body`; what it throws becomes the failure of this metric.
    /// - Parameter summary: what the event about all metrics puts before it.
    private func told<Value>(
        _ reason: String, _ summary: String, _ body: () async throws(ReplicaCalculation.Failure) -> Value
    ) async throws(MetricsReader.Failure) -> Value {
        do { return try await body() } catch {
            throw MetricsReader.Failure(
                reason: reason, description: error.description, summary: summary + error.description)
        }
    }

    /// Runs `body`; what it throws is said to be about something.
    private func about<Value>(
        _ subject: String, _ body: () async throws(ReplicaCalculation.Failure) -> Value
    ) async throws(ReplicaCalculation.Failure) -> Value {
        do { return try await body() } catch {
            throw ReplicaCalculation.Failure(description: "\(subject): \(error.description)")
        }
    }
}

extension LabelSelector {
    /// A selector as Go prints the structure, which messages about external metrics show.
    /// Source: generated `LabelSelector.String` of apimachinery.
    static func goText(_ json: JSON) -> String {
        guard json.object != nil else { return "nil" }
        let labels = json["matchLabels"].strings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)," }.joined()
        let expressions = json["matchExpressions"].items.map { expression in
            let values = expression["values"].items.compactMap(\.string).joined(separator: " ")
            let (key, name) = (expression["key"].string ?? "", expression["operator"].string ?? "")
            return "LabelSelectorRequirement{Key:\(key),Operator:\(name),Values:[\(values)],},"
        }.joined()
        return "&LabelSelector{MatchLabels:map[string]string{\(labels)},"
            + "MatchExpressions:[]LabelSelectorRequirement{\(expressions)},}"
    }
}
