import Glibc
import Shared
import Synchronization

/// A web page that says which pod on which node answered, and that can be made to fail in several ways.
final class WebSample: Sendable {
    private struct State {
        var isHealthy = true
        var requests: [String: Int] = [:]
    }
    private let state = Mutex(State())
    private let place: SamplePlace
    private let clock: any WallClock
    private let start: Duration

    init(place: SamplePlace, clock: any WallClock) {
        self.place = place
        self.clock = clock
        start = clock.uptime()
    }

    /// Serves until SIGTERM. Binds the pod's own address where it is told, since pods without namespaces share the rest.
    func serve(port: Int) async throws {
        let signals = StopSignals()
        let host = place.address.isEmpty ? "0.0.0.0" : place.address
        let listener = try Listener.tcp(host: host, port: port)
        StandardStreams.out("\(place.pod) on \(place.node) serves http://\(listener.address)/")
        let server = HTTPServer([.init(listener)], log: Log("web", threshold: .warning)) { await self.answer($0) }
        try await run([signals, server])
        StandardStreams.out("\(place.pod) stops")
    }

    private func answer(_ incoming: HTTPServerRequest) async -> HTTPServerReply {
        let request = incoming.request
        let parts = request.target.split(separator: "?", maxSplits: 1)
        let path = String(parts.first ?? "/")
        state.withLock { $0.requests[Self.paths.contains(path) ? path : "other", default: 0] += 1 }
        switch path {
        case "/": return text(200, page)
        case "/healthz":
            let isHealthy = state.withLock { $0.isHealthy }
            return text(isHealthy ? 200 : 500, isHealthy ? "ok\n" : "unhealthy\n")
        case "/healthz/bad", "/healthz/good":
            state.withLock { $0.isHealthy = path == "/healthz/good" }
            StandardStreams.out("health turned \(path == "/healthz/good" ? "good" : "bad")")
            return text(200, "health is \(path == "/healthz/good" ? "good" : "bad") now\n")
        case "/crash":
            StandardStreams.out("asked to crash")
            exit(1)
        case "/burn":
            let seconds = Query(parsing: parts.count == 2 ? parts[1] : "")?["seconds"].flatMap { Int($0) } ?? 10
            burn(for: .seconds(min(max(seconds, 1), 600)))
            return text(200, "burning one core for \(min(max(seconds, 1), 600)) s\n")
        case "/metrics": return text(200, metrics, type: "text/plain; version=0.0.4")
        default:
            return text(404, "no such page; there are / /healthz /healthz/bad /healthz/good /crash /burn /metrics\n")
        }
    }

    private static let paths: Set<String> = [
        "/", "/healthz", "/healthz/bad", "/healthz/good", "/crash", "/burn", "/metrics",
    ]

    private var page: String {
        let message = SampleCommand.message ?? "Hello"
        let seconds = Int((clock.uptime() - start).inSeconds)
        return """
            \(message.trimmingSpaces.split(separator: "\n").joined(separator: " "))
            pod:       \(place.namespace)/\(place.pod)
            node:      \(place.node)
            address:   \(place.address)
            version:   \(place.version)
            running:   \(seconds) s

            """
    }

    private var metrics: String {
        let (requests, isHealthy) = state.withLock { ($0.requests, $0.isHealthy) }
        var text = "# HELP http_requests_total Requests by path.\n# TYPE http_requests_total counter\n"
        for (path, count) in requests.sorted(by: { $0.key < $1.key }) {
            text += "http_requests_total{path=\"\(path)\"} \(count)\n"
        }
        text += "# HELP healthy Whether /healthz answers ok.\n# TYPE healthy gauge\nhealthy \(isHealthy ? 1 : 0)\n"
        return text
    }

    /// Keeps one core busy without blocking the server's tasks.
    private func burn(for duration: Duration) {
        let end = clock.uptime() + duration
        let clock = clock
        // A background task of low priority that yields often, so that the page keeps answering.
        Task(priority: .background) {
            var value: UInt64 = 1
            while clock.uptime() < end {
                for _ in 0..<200_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
                await Task.yield()
            }
            return value
        }
    }

    private func text(_ status: Int, _ body: String, type: String = "text/plain; charset=utf-8") -> HTTPServerReply {
        .whole(status: status, headers: ["Content-Type": type], pieces: [Array(body.utf8)])
    }
}
