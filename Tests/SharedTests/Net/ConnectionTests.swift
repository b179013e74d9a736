import Testing

@testable import Shared

struct ConnectionTests {
    /// Two ends of a connection on the loopback.
    private func pair() async throws -> (Connection, Connection) {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        async let client = Dialer.connect(host: "127.0.0.1", port: listener.port)
        let server = try await listener.accept()
        return (server, try await client)
    }

    @Test func `ten thousand pieces arrive in order through a slow reader`() async throws {
        let (server, client) = try await pair()
        let pieces = (0..<10_000).map { [UInt8](repeating: UInt8($0 & 255), count: $0 % 700) }
        async let written: Void = server.write(pieces: pieces)
        var got: [UInt8] = []
        let total = pieces.reduce(0) { $0 + $1.count }
        while got.count < total, let bytes = try await client.read(most: 100_000) { got += bytes }
        try await written
        #expect(got == Array(pieces.joined()))
    }

    @Test func `large TLS writes arrive unchanged in both directions at once`() async throws {
        let (plainServer, plainClient) = try await pair()
        async let securing = plainServer.secured(by: Fixture.serverTLS())
        let client = try await plainClient.secured(by: Fixture.clientTLS(withCertificate: true))
        let server = try await securing
        #expect(server.peerCertificate?.commonName == "anna")
        #expect(server.peerCertificate?.organizations == ["system:masters", "dev"])
        #expect(client.tlsVersion == "TLSv1.3")
        let payload = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        @Sendable func receive(_ connection: Connection) async throws -> [UInt8] {
            var got: [UInt8] = []
            while got.count < payload.count, let bytes = try await connection.read(most: 65_536) { got += bytes }
            return got
        }
        async let first: Void = client.write(pieces: [Array(payload.prefix(5)), [], Array(payload.dropFirst(5))])
        async let second: Void = server.write(
            pieces: stride(from: 0, to: payload.count, by: 3000).map { Array(payload[$0..<$0 + 3000]) })
        async let one = receive(server)
        async let two = receive(client)
        #expect(try await one == payload)
        #expect(try await two == payload)
        _ = try await (first, second)
    }

    @Test func `a waiting read ends with cancellation, close and the idle time`() async throws {
        let (server, client) = try await pair()
        let task = Task { try await server.read(most: 10) }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        await #expect(throws: NetError.self) { _ = try await server.read(most: 10, within: .milliseconds(20)) }
        let waiting = Task { try await server.read(most: 10) }
        // Lets the read begin to wait first: one that comes after the close is another case.
        for _ in 0..<1_000 { await Task.yield() }
        server.close()
        await #expect(throws: NetError.self) { _ = try await waiting.value }
        #expect(try await client.read(most: 10) == nil)
    }

    @Test func `a writer is held back by a peer that does not read and dropped in the end`() async throws {
        let (server, client) = try await pair()
        let slow = server.timing(read: nil, write: .milliseconds(50))
        let error = await #expect(throws: NetError.self) {
            try await slow.write([UInt8](repeating: 1, count: 64 << 20))
        }
        #expect(error?.reason == .timedOut)
        client.close()
    }

    @Test func `a port in use and a silent port are told in a sentence`() async throws {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let error = #expect(throws: NetError.self) { _ = try Listener.tcp(host: "127.0.0.1", port: listener.port) }
        #expect(error?.reason == .addressInUse)
        #expect(error?.description.contains("127.0.0.1:\(listener.port)") == true)
        let port = listener.port
        listener.close()
        await #expect(throws: NetError.self) { _ = try await Dialer.connect(host: "127.0.0.1", port: port) }
    }

    @Test func `two listeners share a port that is reused`() throws {
        let first = try Listener.tcp(host: "127.0.0.1", port: 0, reusePort: true)
        let second = try Listener.tcp(host: "127.0.0.1", port: first.port, reusePort: true)
        #expect(first.port == second.port)
    }

    @Test func `a source address is used and IPv6 and names are reached`() async throws {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        async let dialled = Dialer.connect(host: "127.0.0.1", port: listener.port, from: "127.0.0.77")
        let server = try await listener.accept()
        #expect(server.peer.host == "127.0.0.77")
        _ = try await dialled
        _ = try await Dialer.connect(host: "localhost", port: listener.port)
        if let six = try? Listener.tcp(host: "::1", port: 0) {
            _ = try await Dialer.connect(host: "::1", port: six.port)
            #expect(six.address.description.hasPrefix("[::1]:"))
        }
    }

    @Test func `a unix socket carries bytes and replaces a stale file`() async throws {
        let path = "/tmp/kotohajime-test-\(Random.bytes(6).hex).sock"
        do {
            let listener = try Listener.unix(path: path)
            async let dialled = Dialer.connect(unix: path)
            let server = try await listener.accept()
            let client = try await dialled
            try await client.write([1, 2, 3])
            #expect(try await server.read(most: 10) == [1, 2, 3])
            #expect(throws: NetError.self) { _ = try Listener.unix(path: path) }
        }
        _ = try Listener.unix(path: path)
    }

    @Test func `an untrusted, misnamed or plain server fails the handshake`() async throws {
        let (server, client) = try await pair()
        async let accepted = try? server.secured(by: Fixture.serverTLS())
        let system = try TLSContext.client()
        let error = await #expect(throws: NetError.self) { _ = try await client.secured(by: system) }
        #expect(error?.reason == .tls)
        #expect(error?.description.contains("not trusted") == true)
        _ = await accepted

        let (other, second) = try await pair()
        async let acceptedToo = try? other.secured(by: Fixture.serverTLS())
        await #expect(throws: NetError.self) {
            _ = try await second.secured(by: Fixture.clientTLS(), host: "elsewhere.test")
        }
        _ = await acceptedToo

        let (silent, third) = try await pair()
        let late = await #expect(throws: NetError.self) {
            _ = try await third.secured(by: Fixture.clientTLS(), timeout: .milliseconds(30))
        }
        #expect(late?.reason == .timedOut)
        silent.close()
    }

    @Test func `sessions are resumed and a server's certificate is replaced under way`() async throws {
        let identity = try Fixture.identity.get()
        let serverTLS = try Fixture.serverTLS()
        let clientTLS = try Fixture.clientTLS()
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        @Sendable func meet() async throws -> (resumed: Bool, serial: String?) {
            async let dialled = Dialer.connect(host: "127.0.0.1", port: listener.port)
            let accepted = try await listener.accept()
            let plain = try await dialled
            async let securing = accepted.secured(by: serverTLS)
            let client = try await plain.secured(by: clientTLS, host: "api.test")
            let server = try await securing
            try await server.write([7])
            #expect(try await client.read(most: 1) == [7])
            #expect(server.serverName == "api.test")
            defer { client.close() }
            return (client.isResumed, client.peerCertificate?.serial)
        }
        #expect(try await meet().resumed == false)
        #expect(try await meet().resumed == true)
        let key = try PrivateKey.generate()
        let fresh = try identity.authority.issue(
            .server, to: DistinguishedName(commonName: "new"), names: SubjectAltNames(dns: ["api.test"]),
            key: key.publicKey, from: SystemClock().now() - .seconds(5), for: .seconds(60))
        try serverTLS.replace(certificate: [fresh], key: key)
        #expect(try await meet().serial == fresh.serial)
    }
}
