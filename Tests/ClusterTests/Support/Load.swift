import Shared
import Synchronization

@testable import Master

/// What the pods of namespace `default` use of a processor: work that is spread evenly over those that run.
/// A class: the test changes it while the cluster reads.
final class Load: Sendable {
    private let milli = Mutex<Int?>(0)

    /// Thousandths of a processor; nil while nobody can tell.
    var total: Int? {
        get { milli.withLock { $0 } }
        set { milli.withLock { $0 = newValue } }
    }

    /// The answer of the resource metrics API for these pods. Source: `metrics.k8s.io/v1beta1 PodMetricsList`.
    fileprivate func metrics(of pods: [Pod], at time: Timestamp) -> JSON? {
        let running = pods.filter { $0.isActive && $0.status.phase == .running }
        guard let total else { return nil }
        let share = running.isEmpty ? 0 : total / running.count
        return [
            "items": .array(
                running.map { pod in
                    [
                        "metadata": ["name": .string(pod.name)], "timestamp": .string(time.rfc3339),
                        "window": "15s",
                        "containers": [["name": "main", "usage": ["cpu": .string("\(share)m"), "memory": "1Mi"]]],
                    ]
                })
        ]
    }
}

/// A way to the server on which questions for the use of pods are answered from a `Load`.
struct MeteredTransport: Transport {
    private let inner: any Transport
    private let load: Load
    private let clock: any WallClock

    init(_ inner: any Transport, _ load: Load, _ clock: any WallClock) {
        self.inner = inner
        self.load = load
        self.clock = clock
    }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let metered = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
        guard request.target.hasPrefix(metered) else { return try await inner.send(request) }
        var question = request
        question.target = "/api/v1/namespaces/default/pods" + request.target.dropFirst(metered.count)
        let answer = try await inner.send(question)
        let pods = try JSON(parsing: answer.body)["items"].items.map { Pod($0) }
        guard let metrics = load.metrics(of: pods, at: clock.now()) else { return HTTPResponse(503) }
        return HTTPResponse(200, body: metrics.encoded)
    }
    func stream(_ request: HTTPRequest) async throws -> HTTPStream { try await inner.stream(request) }
    func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) {
        try await inner.upgrade(request)
    }
}
