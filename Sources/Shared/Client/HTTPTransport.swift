import Synchronization

/// Reaches a server over HTTP/1.1, with or without TLS, keeping connections for later requests. A class: it owns them.
///
/// - A whole answer may take as long as it likes while bytes keep arriving (`Timing.idle`).
/// - The body of a stream may be quiet for ever; a vanished peer is noticed by keep-alive probes within a minute.
/// - An idempotent request that meets a kept connection which the server has just closed is sent once more on a new one.
package final class HTTPTransport: Transport {
    package enum Target: Sendable, Hashable {
        /// A host without brackets.
        case host(String, port: Int)
        case unix(String)
    }
    package struct Timing: Sendable {
        package var connect = Duration.seconds(Limits.connectSeconds)
        /// From the request to the head of the answer.
        package var head = Duration.seconds(Limits.responseHeadSeconds)
        /// Between two pieces of a whole answer.
        package var idle = Duration.seconds(Limits.responseIdleSeconds)
        package var keepAlive = Duration.seconds(Limits.poolIdleSeconds)
        package init() {}
    }
    /// Headers that prove who is calling; asked for before every request, so that a token can be renewed.
    package typealias Credentials = @Sendable () async throws -> HTTPHeaders

    private struct Kept {
        let connection: Connection
        let since: Duration
    }
    package let target: Target
    /// The part of the server's URL before the API's paths, without a slash at its end.
    private let prefix: String
    private let tls: TLSContext?
    private let timing: Timing
    private let source: String?
    private let credentials: Credentials
    private let pool = Mutex<[Kept]>([])

    /// - Parameters:
    ///   - source: the numeric local address to connect from; nil lets the kernel choose.
    package init(
        _ target: Target, tls: TLSContext? = nil, prefix: String = "", from source: String? = nil,
        timing: Timing = Timing(),
        credentials: @escaping Credentials = { [:] }
    ) {
        self.target = target
        self.tls = tls
        self.prefix = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
        self.timing = timing
        self.source = source
        self.credentials = credentials
    }

    /// Connections that are open and wait for a request.
    package var idleCount: Int { pool.withLock { $0.count } }

    /// Closes the connections that wait for a request.
    package func closeIdle() {
        let kept = pool.withLock { pool in
            defer { pool = [] }
            return pool
        }
        for entry in kept { entry.connection.close() }
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let exchange = try await begin(request)
        return try await exchange.guarding {
            HTTPResponse(exchange.head.status, headers: exchange.head.headers, body: try await exchange.whole())
        }
    }

    package func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        let exchange = try await begin(request)
        return HTTPStream(
            status: exchange.head.status, headers: exchange.head.headers,
            body: ByteStream(pull: { try await exchange.next(timeout: nil) }, stop: { exchange.abandon() }))
    }

    package func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) {
        let exchange = try await begin(request, isUpgrade: true)
        guard exchange.head.status == 101 else {
            return try await exchange.guarding {
                (
                    HTTPResponse(
                        exchange.head.status, headers: exchange.head.headers, body: try await exchange.whole()), nil
                )
            }
        }
        return (HTTPResponse(101, headers: exchange.head.headers), exchange.takeChannel())
    }

    /// Sends the request and reads the head of the answer.
    private func begin(_ request: HTTPRequest, isUpgrade: Bool = false) async throws -> HTTPExchange {
        var headers = request.headers
        for field in try await credentials().fields where headers[field.name] == nil {
            headers.add(field.name, field.value)
        }
        if headers["Host"] == nil { headers.add("Host", hostHeader) }
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            headers["Content-Length"] = String(request.body.count)
        }
        let bytes = HTTPWriter.head(method: request.method, target: prefix + request.target, headers: headers)
        if !isUpgrade, let kept = takeKept() {
            do {
                return try await exchange(kept, request, bytes)
            } catch let error as NetError
                where error.reason == .closed && HTTPTransport.idempotent.contains(request.method)
            {
                // The server has closed the kept connection meanwhile; nothing of the answer has arrived.
            }
        }
        return try await exchange(try await dial(), request, bytes)
    }

    private static let idempotent: Set<String> = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]

    private func exchange(_ connection: Connection, _ request: HTTPRequest, _ head: [UInt8]) async throws
        -> HTTPExchange
    {
        do {
            try await connection.write(pieces: [head, request.body])
            var reader = HTTPReader(connection)
            let answer = try await reader.response(method: request.method, timeout: timing.head)
            return HTTPExchange(connection, reader, answer, idle: timing.idle) { [weak self] connection in
                self?.keep(connection) ?? connection.close()
            }
        } catch {
            connection.close()
            if let error = error as? NetError, error.reason == .timedOut {
                throw NetError(.timedOut, "\(target) did not answer within \(timing.head.human)")
            }
            throw error
        }
    }

    private func dial() async throws -> Connection {
        let connection: Connection
        switch target {
        case .host(let host, let port):
            connection = try await Dialer.connect(host: host, port: port, timeout: timing.connect, from: source)
        case .unix(let path): connection = try await Dialer.connect(unix: path, timeout: timing.connect)
        }
        guard let tls else { return connection }
        var host: String?
        if case .host(let name, _) = target { host = name }
        return try await connection.secured(by: tls, host: host)
    }

    private func takeKept() -> Connection? {
        let now = SystemClock().uptime()
        while let kept = pool.withLock({ $0.popLast() }) {
            if now - kept.since < timing.keepAlive, kept.connection.isQuiet { return kept.connection }
            kept.connection.close()
        }
        return nil
    }

    private func keep(_ connection: Connection) {
        let dropped = pool.withLock { pool -> Connection? in
            pool.append(Kept(connection: connection, since: SystemClock().uptime()))
            return pool.count > Limits.poolConnectionsMax ? pool.removeFirst().connection : nil
        }
        dropped?.close()
    }

    private var hostHeader: String {
        switch target {
        case .host(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return port == (tls == nil ? 80 : 443) ? name : "\(name):\(port)"
        case .unix: return "localhost"
        }
    }
}

extension HTTPTransport.Target: CustomStringConvertible {
    package var description: String {
        switch self {
        case .host(let host, let port): SocketAddress.ip(host, port: port).description
        case .unix(let path): path
        }
    }
}
