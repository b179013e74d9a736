import Shared

/// Reads what pods and other objects use, from the metrics APIs of the server.
struct MetricsReader: Sendable {
    /// A metric that cannot be had. Reason and description are the condition's and the event's.
    struct Failure: Error, Equatable {
        let reason: String
        let description: String
        /// As the event about all metrics has it.
        let summary: String
    }
    let client: Client
    /// The kind that is meant by a version and a name.
    let type: @Sendable (_ apiVersion: String, _ kind: String) async -> KindType?

    /// Usage of one resource by the pods of a selector, thousandths.
    /// - Parameter container: only this one; empty takes all together.
    /// Source: `GET /apis/metrics.k8s.io/v1beta1/namespaces/NS/pods`, `metrics.PodMetrics`.
    func resource(
        _ name: String, namespace: String, selector: String, container: String
    ) async throws(ReplicaCalculation.Failure) -> [String: PodMetric] {
        let path = "/apis/metrics.k8s.io/v1beta1/namespaces/\(namespace)/pods"
        let items = try await items(
            path, ["labelSelector": selector], "resource metrics API",
            missing: "the server could not find the requested resource (get pods.metrics.k8s.io)")
        var metrics: [String: PodMetric] = [:]
        for item in items {
            guard let pod = item["metadata"]["name"].string,
                let time = item["timestamp"].string.flatMap({ Timestamp(rfc3339: $0) })
            else { continue }
            let containers = item["containers"].items.filter { container.isEmpty || $0["name"].string == container }
            let amounts = containers.map { $0["usage"][name].string.flatMap { Quantity($0) } }
            if containers.isEmpty || amounts.contains(nil) { continue }
            let total = amounts.compactMap(\.self).reduce(Quantity(0)) { $0 + $1 }
            metrics[pod] = PodMetric(
                value: total.milli, time: time, window: MetricsReader.window(item["window"].string ?? ""))
        }
        return metrics
    }

    /// A metric of each pod, by name. Source: `custom.metrics.k8s.io/v1beta1 MetricValueList`.
    func pods(
        _ metric: JSON, namespace: String, selector: String
    ) async throws(ReplicaCalculation.Failure) -> [String: PodMetric] {
        var metrics: [String: PodMetric] = [:]
        for item in try await custom(metric, of: "pods/*", namespace, ["labelSelector": selector]) {
            guard let pod = item["describedObject"]["name"].string,
                let value = item["value"].string.flatMap({ Quantity($0) }),
                let time = item["timestamp"].string.flatMap({ Timestamp(rfc3339: $0) })
            else { continue }
            let seconds = min(max(0, item["windowSeconds"].int ?? 60), 86_400)
            metrics[pod] = PodMetric(value: value.milli, time: time, window: .seconds(seconds))
        }
        return metrics
    }

    /// The value of one object of the cluster, thousandths.
    /// - Parameter object: `autoscaling/v2 CrossVersionObjectReference`.
    func object(_ metric: JSON, of object: JSON, in namespace: String) async throws(ReplicaCalculation.Failure) -> Int {
        let (version, kind) = (object["apiVersion"].string ?? "", object["kind"].string ?? "")
        guard let type = await type(version, kind) else {
            throw ReplicaCalculation.Failure(
                description:
                    "unable to fetch metrics from custom metrics API: no matches for kind \"\(kind)\" in version \"\(version)\""
            )
        }
        // A namespace has its metrics under its own name.
        let place = type == Namespace.type ? "metrics" : "\(type.resource)/\(object["name"].string ?? "")"
        return MetricsReader.sum(try await custom(metric, of: place, namespace, [:]))
    }

    /// The sum of what is told from outside the cluster, thousandths.
    /// Source: `external.metrics.k8s.io/v1beta1 ExternalMetricValueList`.
    func external(_ metric: JSON, in namespace: String) async throws(ReplicaCalculation.Failure) -> Int {
        let name = metric["name"].string ?? ""
        let values = try await items(
            "/apis/external.metrics.k8s.io/v1beta1/namespaces/\(namespace)/\(name)",
            ["labelSelector": MetricsReader.selector(metric)], "external metrics API",
            missing: "the server could not find the requested resource (get \(name).external.metrics.k8s.io)")
        return MetricsReader.sum(values)
    }

    private static func sum(_ values: [JSON]) -> Int {
        values.compactMap { $0["value"].string.flatMap { Quantity($0) } }.reduce(Quantity(0)) { $0 + $1 }.milli
    }
    private static func selector(_ metric: JSON) -> String { LabelSelector(metric["selector"])?.description ?? "" }

    private func custom(
        _ metric: JSON, of place: String, _ namespace: String, _ query: [String: String]
    ) async throws(ReplicaCalculation.Failure) -> [JSON] {
        let name = metric["name"].string ?? ""
        return try await items(
            "/apis/custom.metrics.k8s.io/v1beta1/namespaces/\(namespace)/\(place)/\(name)",
            query.merging(["metricLabelSelector": MetricsReader.selector(metric)]) { $1 }, "custom metrics API",
            missing: "no custom metrics API (custom.metrics.k8s.io) registered")
    }

    /// - Parameters:
    ///   - query: what is empty is left out.
    ///   - missing: says that the API is not there.
    private func items(
        _ path: String, _ query: [String: String], _ api: String, missing: String
    ) async throws(ReplicaCalculation.Failure) -> [JSON] {
        var filled = Query()
        for (name, value) in query.sorted(by: { $0.key < $1.key }) where !value.isEmpty { filled.add(name, value) }
        let answer: JSON
        do { answer = try await client.call("GET", path, query: filled) } catch {
            let status = error as? Status
            let isMissing = status?.code == 404 && status?.name.isEmpty ?? false
            throw ReplicaCalculation.Failure(
                description: "unable to fetch metrics from \(api): \(isMissing ? missing : "\(error)")")
        }
        guard !answer["items"].items.isEmpty else {
            throw ReplicaCalculation.Failure(description: "no metrics returned from \(api)")
        }
        return answer["items"].items
    }

    /// `15s`, `1m0s` or `30.5s`; 15 s when it cannot be read. Source: Go's `time.Duration.String`.
    static func window(_ text: String) -> Duration {
        var total = 0.0
        var digits = ""
        for letter in text {
            switch letter {
            case "h": total += 3600 * (Double(digits) ?? 0)
            case "m": total += 60 * (Double(digits) ?? 0)
            case "s": total += Double(digits) ?? 0
            default:
                digits.append(letter)
                continue
            }
            digits = ""
        }
        return total > 0 && total < 86_400 ? .milliseconds(Int64(total * 1000)) : .seconds(15)
    }
}

extension MetricsReader.Failure {
    init(_ reason: String, _ description: String) {
        self.init(reason: reason, description: description, summary: description)
    }
}
