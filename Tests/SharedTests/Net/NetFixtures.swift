import Testing

@testable import Shared

/// A certificate authority with a server's and a client's certificate, made once for all tests.
enum Fixture {
    struct Identity: Sendable {
        let authority: CertificateAuthority
        let server: Certificate
        let serverKey: PrivateKey
        let client: Certificate
        let clientKey: PrivateKey
    }
    static let identity: Result<Identity, any Error> = Result {
        let now = SystemClock().now() - .seconds(60)
        let authority = try CertificateAuthority.make(commonName: "test-ca", from: now, for: .seconds(86_400))
        let serverKey = try PrivateKey.generate()
        let clientKey = try PrivateKey.generate()
        return Identity(
            authority: authority,
            server: try authority.issue(
                .server, to: DistinguishedName(commonName: "server"),
                names: SubjectAltNames(dns: ["localhost", "api.test"], addresses: ["127.0.0.1", "::1"]),
                key: serverKey.publicKey, from: now, for: .seconds(3600)),
            serverKey: serverKey,
            client: try authority.issue(
                .client, to: DistinguishedName(commonName: "anna", organizations: ["system:masters", "dev"]),
                key: clientKey.publicKey, from: now, for: .seconds(3600)),
            clientKey: clientKey)
    }
    static func serverTLS() throws -> TLSContext {
        let identity = try identity.get()
        return try .server(
            certificate: [identity.server], key: identity.serverKey, clientCA: [identity.authority.certificate])
    }
    static func clientTLS(withCertificate: Bool = false) throws -> TLSContext {
        let identity = try identity.get()
        return try .client(
            ca: [identity.authority.certificate], certificate: withCertificate ? [identity.client] : [],
            key: withCertificate ? identity.clientKey : nil)
    }

    /// A server on a free port of the loopback for the time of `body`.
    static func serve<T: Sendable>(
        tls: Bool = false, timing: HTTPServer.Timing = HTTPServer.Timing(), connectionsMax: Int = 100,
        _ handler: @escaping HTTPServer.Handler,
        _ body: @escaping @Sendable (_ port: Int, _ server: HTTPServer) async throws -> T
    ) async throws -> T {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let server = HTTPServer(
            [.init(listener, tls: tls ? try serverTLS() : nil)], log: Log("test", sink: { _ in }), timing: timing,
            connectionsMax: connectionsMax, handler: handler)
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                try? await server.run()
                return nil
            }
            defer { group.cancelAll() }
            return try await body(listener.port, server)
        }
    }

    static func transport(_ port: Int, tls: TLSContext? = nil) -> HTTPTransport {
        HTTPTransport(.host("127.0.0.1", port: port), tls: tls)
    }

    static func text(_ reply: String, status: Int = 200) -> HTTPServerReply {
        .whole(status: status, headers: ["Content-Type": "text/plain"], pieces: [Array(reply.utf8)])
    }
}

/// Everything that arrives until the peer closes.
func readAll(_ channel: some ByteChannel) async throws -> String {
    var bytes: [UInt8] = []
    while let more = try await channel.read(most: 4096) { bytes += more }
    return String(decoding: bytes, as: UTF8.self)
}
