import Shared

/// Reads what pods and other objects use, from the metrics APIs of the server.
struct MetricsReader: Sendable {
    /// A metric that cannot be had. `reason` is the condition's and the event's.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let reason: String
        let description: String
    }
    let client: Client

    /// Usage of one resource by the pods of a selector, thousandths.
    /// - Parameter container: only this one; empty takes all together.
    /// Source: `GET /apis/metrics.k8s.io/v1beta1/namespaces/NS/pods`, `metrics.PodMetrics`.
    func resource(
        _ name: String, namespace: String, selector: String, container: String
    ) async throws(ReplicaCalculation.Failure) -> [String: PodMetric] {
        let path = "/apis/metrics.k8s.io/v1beta1/namespaces/\(namespace)/pods"
        let answer = try await get(path, selector, "resource metrics API", of: "pods.metrics.k8s.io")
        var metrics: [String: PodMetric] = [:]
        for item in answer["items"].items {
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
        guard !metrics.isEmpty else {
            throw ReplicaCalculation.Failure(description: "no metrics returned from resource metrics API")
        }
        return metrics
    }

    /// A metric of each pod, by name. Source: `custom.metrics.k8s.io/v1beta1 MetricValueList`.
    func pods(
        _ metric: String, namespace: String, selector: String
    ) async throws(ReplicaCalculation.Failure) -> [String: PodMetric] {
        let path = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/\(namespace)/pods/*/\(metric)"
        let answer = try await get(path, selector, "custom metrics API", of: "pods.custom.metrics.k8s.io")
        var metrics: [String: PodMetric] = [:]
        for item in answer["items"].items {
            guard let pod = item["describedObject"]["name"].string,
                let value = item["value"].string.flatMap({ Quantity($0) }),
                let time = item["timestamp"].string.flatMap({ Timestamp(rfc3339: $0) })
            else { continue }
            metrics[pod] = PodMetric(value: value.milli, time: time, window: .seconds(60))
        }
        guard !metrics.isEmpty else {
            throw ReplicaCalculation.Failure(description: "no metrics returned from custom metrics API")
        }
        return metrics
    }

    /// One value: of an object of the cluster, or from outside it. Thousandths; several are added up.
    func value(_ path: String, _ selector: String, api: String) async throws(ReplicaCalculation.Failure) -> Int {
        let answer = try await get(path, selector, "\(api) metrics API", of: "\(api).metrics.k8s.io")
        let values = answer["items"].items.compactMap { $0["value"].string.flatMap { Quantity($0) } }
        guard !values.isEmpty else {
            throw ReplicaCalculation.Failure(description: "no metrics returned from \(api) metrics API")
        }
        return values.reduce(Quantity(0)) { $0 + $1 }.milli
    }

    private func get(
        _ path: String, _ selector: String, _ api: String, of resource: String
    ) async throws(ReplicaCalculation.Failure) -> JSON {
        var query = Query()
        if !selector.isEmpty { query.add("labelSelector", selector) }
        do {
            return try await client.call("GET", path, query: query)
        } catch {
            var text = "\(error)"
            if let status = error as? Status, status.reason == .notFound, status.name.isEmpty {
                text = "the server could not find the requested resource (get \(resource))"
            }
            throw ReplicaCalculation.Failure(description: "unable to fetch metrics from \(api): \(text)")
        }
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
