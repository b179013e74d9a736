import Testing

@testable import Shared

struct ServerNameTests {
    /// Which certificate a client gets: it only talks to a server whose certificate names what it asked for.
    @Test(arguments: [("localhost", true), ("shop.b.test", true), ("b.test", false), ("x.shop.b.test", false)])
    func `the name that a client asks for chooses the certificate`(name: String, isServed: Bool) async throws {
        let identity = try Fixture.identity.get()
        let now = SystemClock().now() - .seconds(60)
        let key = try PrivateKey.generate()
        let certificate = try identity.authority.issue(
            .server, to: DistinguishedName(commonName: "b"), names: SubjectAltNames(dns: ["*.b.test"]),
            key: key.publicKey, from: now, for: .seconds(3600))
        let context = try Fixture.serverTLS()
        context.setNames(["*.b.test": try .server(certificate: [certificate], key: key)])
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let server = HTTPServer(
            [.init(listener, tls: context)], log: Log("test", sink: { _ in }),
            handler: { _ in .whole(status: 200, headers: [:], pieces: []) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            defer { group.cancelAll() }
            let tls = try TLSContext.client(ca: [identity.authority.certificate], serverName: name)
            let transport = HTTPTransport(.host("127.0.0.1", port: listener.port), tls: tls)
            do {
                let answer = try await transport.send(HTTPRequest("GET", "/"))
                #expect(answer.status == 200)
                #expect(isServed)
            } catch let error as NetError {
                #expect(error.reason == .tls)
                #expect(!isServed)
            }
        }
    }
}
