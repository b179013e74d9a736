import Shared
import TestKit

/// Requests per second of the HTTP server with answers of 3 kB over kept connections, client and server in one
/// process: `Bench http`, `Bench http tls`.
enum HTTPThroughput {
    static func run(connections: Int = 32, seconds: Int = 3, isSecure: Bool) async throws {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        var server: TLSContext?
        var client: TLSContext?
        if isSecure {
            let now = SystemClock().now() - .seconds(60)
            let authority = try CertificateAuthority.make(commonName: "bench", from: now, for: .seconds(3600))
            let key = try PrivateKey.generate()
            let certificate = try authority.issue(
                .server, to: DistinguishedName(commonName: "bench"), names: SubjectAltNames(addresses: ["127.0.0.1"]),
                key: key.publicKey, from: now, for: .seconds(3600))
            server = try .server(certificate: [certificate], key: key)
            client = try .client(ca: [authority.certificate])
        }
        let body = [UInt8](repeating: 120, count: 3000)
        let service = HTTPServer([.init(listener, tls: server)], log: Log("bench")) { _ in
            .whole(status: 200, headers: ["Content-Type": "application/json"], pieces: [body])
        }
        let counter = Counter()
        let transport = HTTPTransport(.host("127.0.0.1", port: listener.port), tls: client)
        let end = SystemClock().uptime() + .seconds(seconds)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await service.run() }
            await withDiscardingTaskGroup { clients in
                for _ in 0..<connections {
                    clients.addTask {
                        while SystemClock().uptime() < end {
                            guard let answer = try? await transport.send(HTTPRequest("GET", "/api/v1/pods")),
                                answer.body.count == 3000
                            else { return StandardStreams.out("a request failed") }
                            counter.next()
                        }
                    }
                }
            }
            group.cancelAll()
        }
        let total = counter.value
        StandardStreams.out(
            "http\(isSecure ? " tls" : ""): \(total / seconds) requests/s over \(connections) connections, 3 kB answers"
        )
    }
}
