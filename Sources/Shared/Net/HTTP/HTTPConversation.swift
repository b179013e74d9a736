/// The requests and answers of one connection of a server, in their order.
struct HTTPConversation {
    private let connection: Connection
    private let server: HTTPServer
    private let certificate: Certificate?
    private let problem: String?
    private var reader: HTTPReader

    init(_ connection: Connection, server: HTTPServer) {
        self.connection = connection
        self.server = server
        certificate = connection.peerCertificate
        problem = connection.peerCertificateProblem
        reader = HTTPReader(connection)
    }

    mutating func run() async throws {
        do {
            while let head = try await reader.request(idle: server.timing.keepAlive, head: server.timing.requestHead) {
                if head.expectsContinue, head.framing != .none, reader.isEmpty {
                    if case .length(let count) = head.framing, count > server.bodyBytesMax {
                        throw HTTPRefusal(413, "the body is larger than \(server.bodyBytesMax) bytes")
                    }
                    try await connection.write(HTTPWriter.continueLine)
                }
                let body = try await reader.whole(
                    head.framing, most: server.bodyBytesMax, timeout: server.timing.requestBody)
                let request = HTTPRequest(head.method, head.target, headers: head.headers, body: body)
                let reply = await server.handler(
                    HTTPServerRequest(
                        request: request, peer: connection.peer, local: connection.local, peerCertificate: certificate,
                        peerCertificateProblem: problem))
                guard try await answer(head, reply) else { return }
            }
        } catch let refusal as HTTPRefusal {
            try await refuse(refusal)
        }
    }

    /// - Returns: whether the connection may carry another request.
    private mutating func answer(_ head: HTTPRequestHead, _ reply: HTTPServerReply) async throws -> Bool {
        let keepsAlive = head.keepsAlive && !server.live.isStopping
        switch reply {
        case .whole(let status, let headers, let pieces):
            try await whole(head, status, headers, pieces, keepsAlive)
            return keepsAlive
        case .stream(let status, let headers, let body):
            return try await stream(head, status, headers, body, keepsAlive)
        case .upgrade(let headers, let body):
            var headers = headers
            headers["Connection"] = "Upgrade"
            try await connection.write(HTTPWriter.head(status: 101, headers: headers))
            await body(UpgradedConnection(connection, first: reader.takeRest()))
            return false
        }
    }

    private func whole(
        _ head: HTTPRequestHead, _ status: Int, _ headers: HTTPHeaders, _ pieces: [[UInt8]], _ keepsAlive: Bool
    ) async throws {
        var headers = prepared(headers, keepsAlive, head)
        var pieces = pieces
        var count = pieces.reduce(0) { $0 + $1.count }
        if shouldCompress(head, headers, count), let packed = try? Gzip.compress(pieces) {
            pieces = packed
            count = pieces.reduce(0) { $0 + $1.count }
            headers["Content-Encoding"] = "gzip"
            headers.add("Vary", "Accept-Encoding")
        }
        if status >= 200, status != 204, status != 304 { headers["Content-Length"] = String(count) }
        let bytes = HTTPWriter.head(status: status, headers: headers)
        let hasBody = head.method != "HEAD" && status != 204 && status != 304
        try await connection.write(pieces: hasBody ? [bytes] + pieces : [bytes])
    }

    /// Large answers are compressed for clients on other machines only: on this machine the bytes cost less than the
    /// work of squeezing them.
    private func shouldCompress(_ head: HTTPRequestHead, _ headers: HTTPHeaders, _ count: Int) -> Bool {
        count >= Limits.gzipBytesMin && head.method != "HEAD" && headers["Content-Encoding"] == nil
            && head.headers.contains("Accept-Encoding", token: "gzip") && !connection.peer.isLoopback
            && connection.peer.host != connection.local.host
    }

    private func prepared(_ headers: HTTPHeaders, _ keepsAlive: Bool, _ head: HTTPRequestHead) -> HTTPHeaders {
        var headers = headers
        if headers["Date"] == nil { headers.add("Date", HTTPDate.now()) }
        if !keepsAlive {
            headers["Connection"] = "close"
        } else if head.minorVersion == 0 {
            headers["Connection"] = "keep-alive"
        }
        return headers
    }

    private mutating func stream(
        _ head: HTTPRequestHead, _ status: Int, _ headers: HTTPHeaders,
        _ body: @escaping @Sendable (BodyWriter) async throws -> Void, _ keepsAlive: Bool
    ) async throws -> Bool {
        let isChunked = head.minorVersion >= 1
        let keepsAlive = keepsAlive && isChunked
        var headers = prepared(headers, keepsAlive, head)
        if isChunked { headers["Transfer-Encoding"] = "chunked" }
        try await connection.write(HTTPWriter.head(status: status, headers: headers))
        if head.method == "HEAD" { return keepsAlive }
        let connection = connection
        let writer = BodyWriter { pieces in
            try Task.checkCancellation()
            try await connection.write(pieces: isChunked ? HTTPWriter.chunk(pieces) : pieces)
        }
        var early = reader.takeRest()
        let room = Limits.readBytes - early.count
        enum Ending: Sendable { case finished, left, failed(any Error), more([UInt8]) }
        let (isFinished, more) = try await withThrowingTaskGroup(of: Ending.self) { group -> (Bool, [UInt8]) in
            group.addTask {
                do {
                    try await body(writer)
                    return .finished
                } catch {
                    return .failed(error)
                }
            }
            // Notices that the client leaves. A next request that comes early is kept for later.
            group.addTask {
                var more: [UInt8] = []
                while more.count < room {
                    do {
                        guard let bytes = try await connection.read(most: Limits.readBytes, within: nil) else {
                            return .left
                        }
                        more += bytes
                    } catch is CancellationError {
                        break
                    } catch {
                        return .left
                    }
                }
                return .more(more)
            }
            var more: [UInt8] = []
            var finished = false
            while let ending = try await group.next() {
                switch ending {
                case .finished:
                    finished = true
                    group.cancelAll()
                case .failed(let error):
                    group.cancelAll()
                    // Cancelled by a stop or by the client's leaving: the body ends in order where it stands.
                    if error is CancellationError { finished = true } else { throw error }
                case .left: group.cancelAll()
                case .more(let bytes): more = bytes
                }
            }
            return (finished, more)
        }
        early += more
        reader.put(early)
        if isFinished, isChunked { try await connection.write(HTTPWriter.lastChunk) }
        return isFinished && keepsAlive && !server.live.isStopping
    }

    /// Tells the client what is wrong and closes; the rest of its bytes could be anything.
    private func refuse(_ refusal: HTTPRefusal) async throws {
        let body = Array((refusal.description + "\n").utf8)
        let headers: HTTPHeaders = [
            "Content-Type": "text/plain; charset=utf-8", "Connection": "close", "Content-Length": String(body.count),
            "Date": HTTPDate.now(),
        ]
        try await connection.write(pieces: [HTTPWriter.head(status: refusal.status, headers: headers), body])
        // Closing with unread bytes would reset the connection and could take the answer with it.
        connection.closeWriting()
        var left = 64
        while left > 0, try await connection.read(most: 64 * 1024, within: .seconds(1)) != nil { left -= 1 }
    }
}

/// A connection after an upgrade: what had already arrived is read first. A class: it hands out those bytes once.
final class UpgradedConnection: ByteChannel {
    private let connection: Connection
    private let first: Leftover

    init(_ connection: Connection, first: [UInt8]) {
        // A program that does not read its input for an hour is no reason to end the session, nor is a paused terminal.
        self.connection = connection.timing(read: nil, write: nil)
        self.first = Leftover(first)
    }

    func read(most: Int) async throws -> [UInt8]? {
        if let bytes = first.take(most: most) { return bytes }
        // Interactive sessions are quiet for hours; a vanished peer shows through keep-alive probes.
        return try await connection.read(most: most, within: nil)
    }
    func write(_ bytes: [UInt8]) async throws { try await connection.write(bytes) }
    func closeWriting() { connection.closeWriting() }
    func close() { connection.close() }
}
