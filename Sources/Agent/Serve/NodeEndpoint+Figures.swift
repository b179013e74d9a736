import Shared

extension NodeEndpoint {
    /// `/metrics`, `/metrics/resource`, `/metrics/cadvisor`: figures in the text format of Prometheus, with the names
    /// that the kubelet gives them. Source: `pkg/kubelet/metrics`, KEP-727.
    func metrics(_ segments: [String]) async -> HTTPServerReply {
        let text: String
        switch segments.dropFirst().first {
        case nil: text = await ownMetrics()
        case "resource": text = FigureText.resource(await source.stats())
        case "cadvisor": text = FigureText.cadvisor(await source.stats())
        case "probes": text = ""
        default: return Self.text(404, "404 page not found\n")
        }
        return .whole(
            status: 200, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"],
            pieces: [Array(text.utf8)])
    }

    private func ownMetrics() async -> String {
        let pods = await source.pods()
        let running = pods.filter { $0.status.phase == .running }
        let containers = running.flatMap { $0.status.containerStatuses }.filter { !$0.state["running"].isNull }
        var text = FigureText()
        text.head("kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox")
        text.line("kubelet_running_pods", [], "\(running.count)")
        text.head("kubelet_running_containers", "gauge", "Number of containers currently running")
        text.line("kubelet_running_containers", [("container_state", "running")], "\(containers.count)")
        text.head("kubernetes_build_info", "gauge", "A metric with a constant '1' value labeled by version.")
        text.line("kubernetes_build_info", [("git_version", Version.kubernetes)], "1")
        return text.text
    }
}

/// Lines in the text format of Prometheus. A value.
struct FigureText {
    private(set) var text = ""

    mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func line(_ name: String, _ labels: [(String, String)], _ value: String, at time: Timestamp? = nil) {
        let list = labels.map { name, value in
            let escaped = value.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }
            return "\(name)=\"\(escaped.joined())\""
        }
        text += list.isEmpty ? name : "\(name){\(list.joined(separator: ","))}"
        text += " \(value)"
        if let time { text += " \(time.nanoseconds / 1_000_000)" }
        text += "\n"
    }

    /// What metrics-server reads. Source: `metrics/collectors/resource_metrics.go`.
    static func resource(_ summary: JSON) -> String {
        var text = FigureText()
        text.head("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds")
        text.line("node_cpu_usage_seconds_total", [], seconds(summary["node"]), at: time(summary["node"]))
        text.head("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes")
        text.line("node_memory_working_set_bytes", [], bytes(summary["node"]), at: time(summary["node"]))
        text.head(
            "container_cpu_usage_seconds_total", "counter",
            "Cumulative cpu time consumed by the container in core-seconds")
        containers(summary) { text.line("container_cpu_usage_seconds_total", $0, seconds($1), at: time($1)) }
        text.head("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes")
        containers(summary) { text.line("container_memory_working_set_bytes", $0, bytes($1), at: time($1)) }
        text.head("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds")
        for pod in summary["pods"].items {
            text.line("pod_cpu_usage_seconds_total", labels(pod), seconds(pod), at: time(pod))
        }
        text.head("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes")
        for pod in summary["pods"].items {
            text.line("pod_memory_working_set_bytes", labels(pod), bytes(pod), at: time(pod))
        }
        text.head(
            "resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise")
        text.line("resource_scrape_error", [], "0")
        return text.text
    }

    static func cadvisor(_ summary: JSON) -> String {
        var text = FigureText()
        text.head("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.")
        containers(summary) {
            text.line("container_cpu_usage_seconds_total", $0 + [("cpu", "total")], seconds($1), at: time($1))
        }
        text.head("container_memory_working_set_bytes", "gauge", "Current working set in bytes.")
        containers(summary) { text.line("container_memory_working_set_bytes", $0, bytes($1), at: time($1)) }
        return text.text
    }

    private static func labels(_ pod: JSON) -> [(String, String)] {
        [
            ("namespace", pod.at("podRef", "namespace").string ?? ""), ("pod", pod.at("podRef", "name").string ?? ""),
        ]
    }
    private static func containers(_ summary: JSON, _ body: ([(String, String)], JSON) -> Void) {
        for pod in summary["pods"].items {
            for container in pod["containers"].items {
                body([("container", container["name"].string ?? "")] + labels(pod), container)
            }
        }
    }
    private static func seconds(_ use: JSON) -> String {
        String(Double(use.at("cpu", "usageCoreNanoSeconds").int ?? 0) / 1e9)
    }
    private static func bytes(_ use: JSON) -> String { String(use.at("memory", "workingSetBytes").int ?? 0) }
    private static func time(_ use: JSON) -> Timestamp? {
        use.at("cpu", "time").string.flatMap { Timestamp(rfc3339: $0) }
    }
}
