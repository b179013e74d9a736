import Shared
import Synchronization

@testable import Agent

/// The agent's endpoint over a fake runtime with one running pod `ns/p`, container `c`, for requests without a socket.
struct StreamBed {
    let runtime: FakeRuntime
    let endpoint: NodeEndpoint
    private let certificate: Certificate

    init(port: Int = 0) async throws {
        let clock = SystemClock()
        runtime = FakeRuntime(clock: clock)
        let id = ContainerID(sandbox: "u-1", name: "c", attempt: 0)
        _ = try await runtime.createSandbox(
            SandboxConfig(uid: "u-1", namespace: "ns", name: "p", hostname: "p", cgroup: "x"))
        let image = ImageInfo(reference: "docker.io/fake/run:1", id: "sha256:f")
        _ = try await runtime.startContainer(
            ContainerConfig(name: "c", attempt: 0, image: image, argv: ["run"], environment: [], logPath: "/dev/null"),
            in: "u-1")
        let source = NodeEndpointSource(
            find: { namespace, pod, container in
                guard namespace == "ns", pod == "p" else { return .noPod }
                switch container {
                case "c": return .found(ContainerPlace(id: id, isRunning: true, log: "/dev/null", previousLog: nil))
                case "late": return .waiting(why: "is waiting to start: ContainerCreating")
                default: return .noContainer
                }
            }, pods: { [] }, isRunning: { $0 == "ns" && $1 == "p" },
            dial: { _, _, asked in
                // Port 80 of the pod is the test's own server.
                guard asked == 80 else { throw NetError(.refused, "nobody listens there") }
                return try await Dialer.connect(host: "127.0.0.1", port: port)
            }, address: { _, _ in "127.0.0.1" }, stats: { [:] })
        certificate = try CertificateAuthority.make(
            commonName: "kube-apiserver-kubelet-client", from: clock.now(), for: .seconds(3600)
        ).certificate
        endpoint = NodeEndpoint(source: source, runtime: runtime, clock: clock, log: Log("test"))
    }

    func answer(_ request: HTTPRequest) async -> HTTPServerReply {
        await endpoint.answer(HTTPServerRequest(request: request, peer: .unix(""), peerCertificate: certificate))
    }

    /// Sends a request that switches protocols, and runs the other side as the server would.
    func open(_ request: HTTPRequest) async throws -> (
        answer: HTTPHeaders, channel: PipeChannel, serving: Task<Void, Never>
    ) {
        switch await answer(request) {
        case .upgrade(let headers, let body):
            let (client, server) = PipeChannel.pair()
            // Stands for the connection's task of the server; every test awaits it.
            return (headers, client, Task { await body(server) })
        case .whole(let status, _, let pieces):
            throw Status(.badRequest, String(decoding: pieces.joined(), as: UTF8.self), code: status)
        case .stream(let status, _, _): throw Status(.badRequest, "a stream", code: status)
        }
    }

    static func webSocket(_ target: String, _ protocols: String...) -> HTTPRequest {
        HTTPRequest("GET", target, headers: WebSocketHandshake.request(protocols: protocols))
    }
    static func spdy(_ target: String, _ protocols: String...) -> HTTPRequest {
        var headers: HTTPHeaders = ["Connection": "Upgrade", "Upgrade": "SPDY/3.1"]
        for name in protocols { headers.add("X-Stream-Protocol-Version", name) }
        return HTTPRequest("POST", target, headers: headers)
    }
}
