/// Why a message can not be understood, and the status that a server answers with.
package struct HTTPRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    package let status: Int
    package let description: String
    package init(_ status: Int, _ description: String) {
        self.status = status
        self.description = description
    }
}

/// Where the end of a body is.
package enum BodyFraming: Equatable, Sendable {
    case none
    case length(Int)
    case chunked
    /// The body ends with the connection (answers only).
    case untilClose
}

/// The first line and the headers of a request.
package struct HTTPRequestHead: Equatable, Sendable {
    package var method: String
    package var target: String
    /// 0 or 1, of HTTP/1.x.
    package var minorVersion: Int
    package var headers: HTTPHeaders
    package var framing: BodyFraming

    /// True when the connection may carry another request afterwards.
    package var keepsAlive: Bool {
        if headers.contains("Connection", token: "close") { return false }
        return minorVersion >= 1 || headers.contains("Connection", token: "keep-alive")
    }
    /// True when the client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool { minorVersion >= 1 && headers.contains("Expect", token: "100-continue") }
}

/// The first line and the headers of an answer.
package struct HTTPResponseHead: Equatable, Sendable {
    package var status: Int
    package var minorVersion: Int
    package var headers: HTTPHeaders
    package var framing: BodyFraming

    package var keepsAlive: Bool {
        if framing == .untilClose || headers.contains("Connection", token: "close") { return false }
        return minorVersion >= 1 || headers.contains("Connection", token: "keep-alive")
    }
}

/// Bytes that have arrived and are not yet understood.
package struct ByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    package init() {}
    package var count: Int { bytes.count - start }
    package var isEmpty: Bool { count == 0 }

    package mutating func append(_ more: [UInt8]) {
        if start == bytes.count {
            bytes = more
            start = 0
        } else {
            if start > 64 * 1024, start > bytes.count / 2 {
                bytes.removeFirst(start)
                start = 0
            }
            bytes.append(contentsOf: more)
        }
    }

    /// Takes the first bytes, at most `most`.
    package mutating func take(most: Int) -> [UInt8] {
        let count = min(most, count)
        if start == 0, count == bytes.count {
            defer { bytes = [] }
            return bytes
        }
        defer { start += count }
        return Array(bytes[start..<start + count])
    }

    /// Calls `body` with what is there, without copying.
    func peek<T>(_ body: (UnsafeBufferPointer<UInt8>) -> T) -> T {
        bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[start...])) }
    }

    mutating func drop(_ count: Int) { start = min(bytes.count, start + count) }

    /// Takes a line without its end; nil when there is none yet. A line ends with CR LF.
    mutating func takeLine(most: Int) throws(HTTPRefusal) -> [UInt8]? {
        let end = peek { buffer in buffer.prefix(most + 1).firstIndex(of: 0x0A) }
        guard let end else {
            if count > most { throw HTTPRefusal(400, "a line is too long") }
            return nil
        }
        let line = take(most: end + 1)
        guard line.count >= 2, line[line.count - 2] == 0x0D else { throw HTTPRefusal(400, "a line ends without CR") }
        return Array(line.dropLast(2))
    }
}

/// Reads heads out of a byte queue. Source: RFC 9112. Lenient nowhere: what two readers could understand in two ways
/// (smuggling) is refused.
package enum HTTPHeadParser {
    /// Takes a whole request head off the queue; nil when it is not complete yet.
    package static func request(from queue: inout ByteQueue, scanned: inout Int) throws(HTTPRefusal) -> HTTPRequestHead?
    {
        // An empty line before a request is skipped. Source: RFC 9112 section 2.2.
        while queue.peek({ $0.count >= 2 && $0[0] == 0x0D && $0[1] == 0x0A }) {
            queue.drop(2)
            scanned = 0
        }
        guard let head = try head(from: &queue, scanned: &scanned) else { return nil }
        let line = head.line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard line.count == 3, let minor = version(line[2]) else {
            throw HTTPRefusal(400, "the request line is not METHOD TARGET HTTP/1.1")
        }
        if line[1].count > Limits.requestLineBytesMax { throw HTTPRefusal(414, "the request target is too long") }
        guard !line[0].isEmpty, line[0].allSatisfy(isToken), !line[1].isEmpty,
            line[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw HTTPRefusal(400, "the request line holds a character that is not allowed") }
        let framing = try framing(head.headers) ?? .none
        if head.headers.all("Host").count > 1 || (minor == 1 && head.headers["Host"] == nil) {
            throw HTTPRefusal(400, "a request needs one Host header")
        }
        return HTTPRequestHead(
            method: text(line[0]), target: try originForm(text(line[1]), method: text(line[0])), minorVersion: minor,
            headers: head.headers, framing: framing)
    }

    /// Takes a whole response head off the queue; nil when it is not complete yet.
    /// - Parameter method: of the request, since an answer to HEAD has no body.
    package static func response(
        from queue: inout ByteQueue, scanned: inout Int, method: String
    ) throws(HTTPRefusal) -> HTTPResponseHead? {
        guard let head = try head(from: &queue, scanned: &scanned) else { return nil }
        let line = head.line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard line.count >= 2, let minor = version(line[0]), line[1].count == 3, let status = Int(text(line[1])),
            (100...999).contains(status)
        else { throw HTTPRefusal(502, "the answer does not begin with HTTP/1.1 and a status") }
        let framing: BodyFraming
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            framing = .none
        } else {
            framing = try self.framing(head.headers) ?? .untilClose
        }
        return HTTPResponseHead(status: status, minorVersion: minor, headers: head.headers, framing: framing)
    }

    private static func head(
        from queue: inout ByteQueue, scanned: inout Int
    ) throws(HTTPRefusal) -> (line: ArraySlice<UInt8>, headers: HTTPHeaders)? {
        let from = max(0, scanned - 3)
        let end = queue.peek { buffer -> Int? in
            var index = from
            while index + 3 < buffer.count {
                if buffer[index + 3] == 0x0A, buffer[index + 2] == 0x0D, buffer[index + 1] == 0x0A,
                    buffer[index] == 0x0D
                {
                    return index
                }
                index += 1
            }
            return nil
        }
        guard let end, end <= Limits.headerBytesMax else {
            scanned = queue.count
            if queue.count > Limits.headerBytesMax { throw HTTPRefusal(431, "the headers are larger than 1 MiB") }
            return nil
        }
        scanned = 0
        let bytes = queue.take(most: end + 4)
        var lines = bytes[..<end].split(separator: 0x0A, omittingEmptySubsequences: false)[...]
        guard var line = lines.popFirst() else { throw HTTPRefusal(400, "the message is empty") }
        if !lines.isEmpty { try removeCR(&line) }
        guard !line.contains(0x0D), !line.contains(0) else { throw HTTPRefusal(400, "the first line holds a bare CR") }
        if lines.count > Limits.headerFieldsMax { throw HTTPRefusal(431, "there are too many headers") }
        var headers = HTTPHeaders()
        for (index, field) in lines.enumerated() {
            var field = field
            if index < lines.count - 1 { try removeCR(&field) }
            try add(field, to: &headers)
        }
        return (line, headers)
    }

    private static func removeCR(_ line: inout ArraySlice<UInt8>) throws(HTTPRefusal) {
        guard line.popLast() == 0x0D else { throw HTTPRefusal(400, "a header line ends without CR") }
    }

    private static func add(_ line: ArraySlice<UInt8>, to headers: inout HTTPHeaders) throws(HTTPRefusal) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(isToken)
        else { throw HTTPRefusal(400, "a header line is not \"name: value\"") }
        let value = line[(colon + 1)...]
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw HTTPRefusal(400, "a header value holds a control character")
        }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        let first = value.firstIndex { !isSpace($0) } ?? value.endIndex
        let last = value.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? first
        headers.add(text(line[..<colon]), text(value[first..<last]))
    }

    /// What the headers say about the body; nil when they say nothing. Both ways at once, or one of them twice, could
    /// hide a second request in the first one's body.
    private static func framing(_ headers: HTTPHeaders) throws(HTTPRefusal) -> BodyFraming? {
        let codings = headers.all("Transfer-Encoding")
        let lengths = headers.all("Content-Length")
        if !codings.isEmpty {
            guard lengths.isEmpty else {
                throw HTTPRefusal(400, "Content-Length and Transfer-Encoding exclude each other")
            }
            guard codings.count == 1, HTTPHeaders.same(codings[0], "chunked") else {
                throw HTTPRefusal(501, "the only Transfer-Encoding that is understood is chunked")
            }
            return .chunked
        }
        guard let length = lengths.first else { return nil }
        guard lengths.count == 1, !length.isEmpty, length.utf8.count <= 18,
            length.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(length)
        else { throw HTTPRefusal(400, "Content-Length is not one whole number") }
        return .length(count)
    }

    /// Path and query; the absolute form of proxies is cut to it.
    private static func originForm(_ target: String, method: String) throws(HTTPRefusal) -> String {
        if target.hasPrefix("/") || (target == "*" && method == "OPTIONS") { return target }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.dropFirst(scheme.count)
            guard let slash = rest.firstIndex(of: "/") else { return "/" }
            return String(rest[slash...])
        }
        throw HTTPRefusal(400, "the request target does not begin with /")
    }

    private static func version(_ bytes: ArraySlice<UInt8>) -> Int? {
        switch text(bytes) {
        case "HTTP/1.1": 1
        case "HTTP/1.0": 0
        default: nil
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Source: RFC 9110 section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "#"),
            UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

/// Takes a body off a byte queue, piece by piece.
package struct BodyParser: Equatable, Sendable {
    package enum Step: Equatable, Sendable {
        case piece([UInt8])
        case needsMore
        case end
    }
    private enum State: Equatable {
        case exactly(Int), untilClose, chunkSize, chunk(Int), chunkEnd, trailers(Int), done
    }
    private var state: State

    package init(_ framing: BodyFraming) {
        switch framing {
        case .none, .length(0): state = .done
        case .length(let count): state = .exactly(count)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
    }

    package var isDone: Bool { state == .done }
    /// True when the end of the connection is the end of the body.
    package var endsWithConnection: Bool { state == .untilClose }

    package mutating func next(from queue: inout ByteQueue) throws(HTTPRefusal) -> Step {
        while true {
            switch state {
            case .done: return .end
            case .untilClose:
                return queue.isEmpty ? .needsMore : .piece(queue.take(most: .max))
            case .exactly(let left):
                if queue.isEmpty { return .needsMore }
                let piece = queue.take(most: left)
                state = left == piece.count ? .done : .exactly(left - piece.count)
                return .piece(piece)
            case .chunk(let left):
                if queue.isEmpty { return .needsMore }
                let piece = queue.take(most: left)
                state = left == piece.count ? .chunkEnd : .chunk(left - piece.count)
                return .piece(piece)
            case .chunkEnd:
                guard queue.count >= 2 else { return .needsMore }
                guard queue.take(most: 2) == [0x0D, 0x0A] else {
                    throw HTTPRefusal(400, "a chunk is longer than it says")
                }
                state = .chunkSize
            case .chunkSize:
                guard let line = try queue.takeLine(most: Limits.chunkLineBytesMax) else { return .needsMore }
                let size = try BodyParser.size(line)
                state = size == 0 ? .trailers(0) : .chunk(size)
            case .trailers(let seen):
                guard let line = try queue.takeLine(most: Limits.chunkLineBytesMax) else { return .needsMore }
                if line.isEmpty { state = .done } else { state = .trailers(seen + line.count) }
                if seen > Limits.chunkLineBytesMax { throw HTTPRefusal(400, "too many fields follow the body") }
            }
        }
    }

    /// Hexadecimal digits, which an extension after `;` may follow.
    private static func size(_ line: [UInt8]) throws(HTTPRefusal) -> Int {
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard !digits.isEmpty, digits.count <= 15, line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw HTTPRefusal(400, "a chunk size is broken")
        }
        var size = 0
        for byte in digits {
            switch byte {
            case 0x30...0x39: size = size << 4 | Int(byte - 0x30)
            case 0x41...0x46: size = size << 4 | Int(byte - 0x37)
            case 0x61...0x66: size = size << 4 | Int(byte - 0x57)
            default: throw HTTPRefusal(400, "a chunk size is broken")
            }
        }
        return size
    }
}
