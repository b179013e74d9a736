import Glibc
import Shared
import Synchronization

/// A web server that says where it runs, and that can be made to fail.
final class SampleWeb: Service {
    private struct State {
        var requests: [String: Int] = [:]
        var isHealthy = true
    }
    private let state = Mutex(State())
    private let clock = SystemClock()
    private let start: Duration

    init() { start = SystemClock().uptime() }

    func run() async throws {
        let host = Sample.variable("POD_IP").flatMap { $0.isEmpty ? nil : $0 } ?? "0.0.0.0"
        let port = Sample.number("PORT", 8080)
        let listener: Listener
        do {
            listener = try Listener.tcp(host: host, port: port)
        } catch let error as NetError where error.reason == .addressInUse {
            // Read by the agent as the reason of the end.
            if let path = Sample.variable("KOTOHAJIME_TERMINATION_LOG") {
                try? PrivateFile.write(path, Array("AddressInUse: port \(port) is taken".utf8))
            }
            throw error
        }
        print("listening on \(host):\(listener.port)")
        fflush(stdout)
        let log = Log("web", threshold: .warning)
        try await HTTPServer([.init(listener)], log: log, handler: { [self] in await answer($0) }).run()
    }

    private func answer(_ call: HTTPServerRequest) async -> HTTPServerReply {
        let parts = call.request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts[0])
        let query = Query(parsing: parts.count > 1 ? parts[1] : "") ?? Query()
        let known = ["/", "/healthz", "/healthz/bad", "/healthz/good", "/crash", "/burn", "/metrics"].contains(path)
        state.withLock { $0.requests[known ? path : "other", default: 0] += 1 }
        print("\(call.request.method) \(known ? path : "other") from \(call.peer)")
        switch (call.request.method, path) {
        case (_, "/"): return page
        case ("GET", "/healthz"):
            return state.withLock { $0.isHealthy } ? text(200, "ok\n") : text(500, "this pod says that it is ill\n")
        case ("POST", "/healthz/bad"), ("POST", "/healthz/good"):
            state.withLock { $0.isHealthy = path.hasSuffix("good") }
            return text(200, "done\n")
        case (_, "/crash"):
            print("told to crash")
            fflush(stdout)
            exit(1)
        case (_, "/burn"):
            let seconds = query["seconds"].flatMap { Int($0) }.map { min(max($0, 0), 600) } ?? 10
            burn(.seconds(seconds))
            return text(200, "burned \(seconds) s\n")
        case ("GET", "/metrics"): return text(200, metrics, type: "text/plain; version=0.0.4")
        default: return text(404, "there is nothing at \(path)\n")
        }
    }

    /// Keeps one processor busy.
    private func burn(_ duration: Duration) {
        let end = clock.uptime() + duration
        var value: UInt64 = 1
        while clock.uptime() < end { for _ in 0..<100_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 } }
        if value == 0 { print("zero") }
    }

    private var page: HTTPServerReply {
        var lines = ["pod       \(Sample.variable("POD_NAME") ?? Machine.hostname)"]
        for (label, name) in [
            ("namespace", "POD_NAMESPACE"), ("node", "NODE_NAME"), ("address", "POD_IP"), ("version", "VERSION"),
            ("message", "MESSAGE"),
        ] { if let value = Sample.variable(name) { lines.append(label + String(repeating: " ", count: 10 - label.count) + value) } }
        if let file = Sample.variable("MESSAGE_FILE"), let content = Files.text(file, most: 65_536) {
            lines.append("file      \(content)")
        }
        return text(200, lines.joined(separator: "\n") + "\n")
    }

    private var metrics: String {
        let requests = state.withLock { $0.requests }
        var text = "# HELP sample_requests_total Requests that were answered.\n# TYPE sample_requests_total counter\n"
        for (path, count) in requests.sorted(by: { $0.key < $1.key }) {
            text += "sample_requests_total{path=\"\(path)\"} \(count)\n"
        }
        text += "# HELP sample_uptime_seconds Time since the start.\n# TYPE sample_uptime_seconds gauge\n"
        return text + "sample_uptime_seconds \((clock.uptime() - start).inSeconds)\n"
    }

    private func text(_ status: Int, _ text: String, type: String = "text/plain; charset=utf-8") -> HTTPServerReply {
        .whole(status: status, headers: ["Content-Type": type], pieces: [Array(text.utf8)])
    }
}
