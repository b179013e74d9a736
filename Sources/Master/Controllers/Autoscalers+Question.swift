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
                reason: "InvalidMetricSourceType",
                description: "unknown metric source type \"\(spec["type"].string ?? "")\"")
        }
    }

    private func calculation(isCPU: Bool) -> ReplicaCalculation {
        let tolerance = ReplicaCalculation.Tolerance(
            up: ScalingRules.up(scaler.behavior["scaleUp"]).tolerance,
            down: ScalingRules.down(scaler.behavior["scaleDown"]).tolerance)
        return ReplicaCalculation(pods: pods, current: current, isCPU: isCPU, tolerance: tolerance, now: now)
    }

    /// Runs `body`; what it throws becomes the failure of this metric.
    private func wrapped<Value>(
        _ reason: String, _ prefix: String, _ body: () async throws(ReplicaCalculation.Failure) -> Value
    ) async throws(MetricsReader.Failure) -> Value {
        do { return try await body() } catch {
            throw MetricsReader.Failure(reason: reason, description: "\(prefix)\(error)")
        }
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
            do throws(ReplicaCalculation.Failure) {
                return try await reader.resource(
                    name, namespace: scaler.namespace, selector: selector, container: container)
            } catch {
                throw ReplicaCalculation.Failure(
                    description: "unable to get metrics for resource \(name): \(error.description)")
            }
        }
        if let value = target["averageValue"].string.flatMap({ Quantity($0) }) {
            let result = try await wrapped(reason, "failed to get \(name) usage: ") {
                () async throws(ReplicaCalculation.Failure) in
                try calculation.average(try await read(), target: value.milli)
            }
            return Answer(
                replicas: result.replicas, name: "\(name) resource",
                status: entry(["averageValue": .string(Quantity(milli: result.average).description)]))
        }
        guard let percent = target["averageUtilization"].int else {
            throw MetricsReader.Failure(
                reason: reason,
                description:
                    "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"
            )
        }
        let result = try await wrapped(reason, "failed to get \(name) utilization: ") {
            () async throws(ReplicaCalculation.Failure) in
            let metrics = try await read()
            return try calculation.utilization(
                metrics, requests: try requests(name, container), target: percent)
        }
        let title = container.isEmpty ? "resource" : "container resource"
        return Answer(
            replicas: result.replicas, name: "\(name) \(title) utilization (percentage of request)",
            status: entry([
                "averageUtilization": JSON(result.utilization ?? 0),
                "averageValue": .string(Quantity(milli: result.average).description),
            ]))
    }

    /// What each pod requests of a resource, thousandths.
    private func requests(
        _ resource: String, _ container: String
    ) throws(ReplicaCalculation.Failure) -> [String: Int] {
        var requests: [String: Int] = [:]
        for pod in pods {
            var sum = Quantity(0)
            let sidecars = pod.spec.initContainers.filter { $0.json["restartPolicy"].string == "Always" }
            for one in pod.spec.containers + sidecars where container.isEmpty || one.name == container {
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
        let result = try await wrapped("FailedGetPodsMetric", "failed to get pods metric value: ") {
            () async throws(ReplicaCalculation.Failure) in
            do throws(ReplicaCalculation.Failure) {
                return try calculation(isCPU: false).average(
                    try await reader.pods(name, namespace: scaler.namespace, selector: selector), target: target)
            } catch {
                throw ReplicaCalculation.Failure(description: "unable to get metric \(name): \(error.description)")
            }
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
        let plural = (described["kind"].string ?? "").lowercased() + "s"
        let path =
            "/apis/custom.metrics.k8s.io/v1beta1/namespaces/\(scaler.namespace)/\(plural)/\(described["name"].string ?? "")/\(name)"
        let (result, now) = try await single(
            path, source["target"], "", api: "custom", reason: "FailedGetObjectMetric", name, reader)
        return Answer(
            replicas: result.replicas, name: "\(described["kind"].string ?? "") metric \(name)",
            status: [
                "type": "Object",
                "object": ["metric": source["metric"], "describedObject": described, "current": now],
            ])
    }

    private func external(_ source: JSON, _ reader: MetricsReader) async throws(MetricsReader.Failure) -> Answer {
        let name = source["metric"]["name"].string ?? ""
        let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/\(scaler.namespace)/\(name)"
        let chosen = LabelSelector(source["metric"]["selector"])?.description ?? ""
        let (result, now) = try await single(
            path, source["target"], chosen, api: "external", reason: "FailedGetExternalMetric", name, reader)
        return Answer(
            replicas: result.replicas, name: "external metric \(name)",
            status: ["type": "External", "external": ["metric": source["metric"], "current": now]])
    }

    /// A metric that has one value for the whole workload.
    private func single(
        _ path: String, _ target: JSON, _ chosen: String, api: String, reason: String, _ name: String,
        _ reader: MetricsReader
    ) async throws(MetricsReader.Failure) -> (ReplicaCalculation.Result, JSON) {
        let value = try await wrapped(reason, "failed to get \(api) metric \(name): ") {
            () async throws(ReplicaCalculation.Failure) in
            try await reader.value(path, chosen, api: api)
        }
        let calculation = calculation(isCPU: false)
        if let average = target["averageValue"].string.flatMap({ Quantity($0) }) {
            let result = calculation.share(value, target: average.milli)
            return (result, ["averageValue": .string(Quantity(milli: result.average).description)])
        }
        let whole = target["value"].string.flatMap { Quantity($0) }?.milli ?? 0
        let result = calculation.total(value, target: whole)
        return (result, ["value": .string(Quantity(milli: result.average).description)])
    }
}
