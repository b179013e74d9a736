/// A request with what the server knows about who sent it.
package struct HTTPServerRequest: Sendable {
    package let request: HTTPRequest
    package let peer: SocketAddress
    /// The address of this machine that was dialled.
    package let local: SocketAddress
    /// The client's certificate when it gave one that the server's client authority has issued.
    package let peerCertificate: Certificate?
    /// Why the certificate that the client gave is not trusted; nil when it gave none or a good one.
    package let peerCertificateProblem: String?

    package init(
        request: HTTPRequest, peer: SocketAddress, local: SocketAddress = .unix(""),
        peerCertificate: Certificate? = nil,
        peerCertificateProblem: String? = nil
    ) {
        self.request = request
        self.peer = peer
        self.local = local
        self.peerCertificate = peerCertificate
        self.peerCertificateProblem = peerCertificateProblem
    }
}

/// What a handler answers. The server adds `Date`, `Content-Length` and `Transfer-Encoding`.
package enum HTTPServerReply: Sendable {
    /// A body that is in memory, as buffers that are written one after the other without being joined.
    case whole(status: Int, headers: HTTPHeaders, pieces: [[UInt8]])
    /// A body that is made as it is sent. The closure's task is cancelled when the client leaves or the server stops;
    /// when it throws, the connection is closed without the end mark, so that the client sees a cut.
    case stream(status: Int, headers: HTTPHeaders, body: @Sendable (BodyWriter) async throws -> Void)
    /// Status 101 with these headers, after which the bytes belong to the closure. `Connection: Upgrade` is added. The
    /// connection is closed when the closure returns.
    case upgrade(headers: HTTPHeaders, body: @Sendable (any ByteChannel) async -> Void)
}

/// Writes the body of a streamed answer; each write is sent at once. For one task at a time.
package struct BodyWriter: Sendable {
    private let send: @Sendable (_ pieces: [[UInt8]]) async throws -> Void

    package init(_ send: @escaping @Sendable (_ pieces: [[UInt8]]) async throws -> Void) { self.send = send }

    /// Returns when the bytes are handed to the system; waits while the client is slow, and throws when it stays so
    /// for `Limits.writeSeconds`.
    package func write(_ bytes: [UInt8]) async throws { try await write(pieces: [bytes]) }
    /// The pieces travel as one chunk.
    package func write(pieces: [[UInt8]]) async throws { try await send(pieces) }
}
