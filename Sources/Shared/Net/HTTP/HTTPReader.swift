/// The reading side of an HTTP connection: bytes that have arrived, and the parser over them. For one task at a time.
struct HTTPReader {
    private var queue = ByteQueue()
    private var scanned = 0
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// True when nothing is waiting to be read.
    var isEmpty: Bool { queue.isEmpty }

    /// Takes what has arrived and was not understood, such as the first bytes after an upgrade.
    mutating func takeRest() -> [UInt8] { queue.take(most: .max) }

    mutating func put(_ bytes: [UInt8]) { queue.append(bytes) }

    /// The next request; nil when the client has closed the connection between two requests.
    /// - Parameters:
    ///   - idle: how long the first byte may take.
    ///   - head: how long the rest may take after that.
    mutating func request(idle: Duration, head: Duration) async throws -> HTTPRequestHead? {
        var deadline = SystemClock().uptime() + (queue.isEmpty ? idle : head)
        while true {
            if let request = try HTTPHeadParser.request(from: &queue, scanned: &scanned) { return request }
            let isFirst = queue.isEmpty
            do {
                guard let bytes = try await connection.read(until: deadline) else {
                    if isFirst { return nil }
                    throw HTTPRefusal(400, "the connection ended in the middle of a request")
                }
                queue.append(bytes)
            } catch let error as NetError where error.reason == .timedOut {
                if isFirst { return nil }
                throw HTTPRefusal(408, "the request took too long to arrive")
            }
            if isFirst { deadline = SystemClock().uptime() + head }
        }
    }

    /// The head of the answer; interim answers (1xx) are skipped, but for 101.
    mutating func response(method: String, timeout: Duration) async throws -> HTTPResponseHead {
        let deadline = SystemClock().uptime() + timeout
        while true {
            if let head = try HTTPHeadParser.response(from: &queue, scanned: &scanned, method: method) {
                if head.status >= 200 || head.status == 101 { return head }
                continue
            }
            guard let bytes = try await connection.read(until: deadline) else {
                throw NetError(.closed, "\(connection.peer) closed the connection before it answered")
            }
            queue.append(bytes)
        }
    }

    /// The next piece of a body; nil at its end.
    mutating func piece(_ body: inout BodyParser, timeout: Duration?) async throws -> [UInt8]? {
        while true {
            switch try body.next(from: &queue) {
            case .piece(let bytes): return bytes
            case .end: return nil
            case .needsMore: break
            }
            guard let bytes = try await connection.read(most: 64 * 1024, within: timeout) else {
                if body.endsWithConnection { return nil }
                throw NetError(.closed, "\(connection.peer) closed the connection in the middle of a message")
            }
            queue.append(bytes)
        }
    }

    /// A whole body. Throws a refusal with 413 when it is larger than `most`.
    mutating func whole(_ framing: BodyFraming, most: Int, timeout: Duration?) async throws -> [UInt8] {
        if case .length(let count) = framing, count > most { throw HTTPReader.tooLarge(most) }
        var parser = BodyParser(framing)
        var body: [UInt8] = []
        while let bytes = try await piece(&parser, timeout: timeout) {
            if body.isEmpty { body = bytes } else { body.append(contentsOf: bytes) }
            if body.count > most { throw HTTPReader.tooLarge(most) }
        }
        return body
    }

    private static func tooLarge(_ most: Int) -> HTTPRefusal {
        HTTPRefusal(413, "the body is larger than \(most) bytes")
    }
}
