import Testing

@testable import Shared

struct HTTPParserTests {
    private func parse(_ text: String, step: Int = .max) throws -> (HTTPRequestHead?, ByteQueue) {
        var queue = ByteQueue()
        var scanned = 0
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            queue.append(Array(rest.prefix(step)))
            rest = rest.dropFirst(step)
            if let head = try HTTPHeadParser.request(from: &queue, scanned: &scanned) {
                queue.append(Array(rest))
                return (head, queue)
            }
        }
        return (nil, queue)
    }

    @Test(arguments: [1, 2, 7, 1000])
    func `a request is read however its bytes are cut`(step: Int) throws {
        let (head, rest) = try parse(
            "\r\nPOST /api/v1/pods?limit=5 HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nAccept: \t a, b \r\nContent-Length: 3\r\n\r\nabc",
            step: step)
        #expect(head?.method == "POST")
        #expect(head?.target == "/api/v1/pods?limit=5")
        #expect(head?.headers["accept"] == "a, b")
        #expect(head?.headers["X-Empty"] == "")
        #expect(head?.framing == .length(3))
        #expect(head?.keepsAlive == true)
        #expect(rest.count == 3)
    }

    /// Each could be read in two ways by two programs, or break one of them.
    static let refused: [(String, Int)] = [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x10\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\rZ: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET pods HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\r\n\r\n", 400),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ]

    @Test(arguments: refused)
    func `what could hide another request is refused`(text: String, status: Int) throws {
        let error = #expect(throws: HTTPRefusal.self) { _ = try parse(text) }
        #expect(error?.status == status)
    }

    @Test func `headers are bounded in bytes and number`() throws {
        let many = String(repeating: "X: y\r\n", count: 501)
        #expect(throws: HTTPRefusal.self) { _ = try parse("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n") }
        let endless = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: Limits.headerBytesMax)
        let error = #expect(throws: HTTPRefusal.self) { _ = try parse(endless, step: 65_536) }
        #expect(error?.status == 431)
    }

    @Test func `absolute targets are cut to the path and HTTP 1_0 closes`() throws {
        #expect(try parse("GET http://x:1/a?b HTTP/1.0\r\n\r\n").0?.target == "/a?b")
        #expect(try parse("GET / HTTP/1.0\r\n\r\n").0?.keepsAlive == false)
        #expect(try parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").0?.keepsAlive == true)
        #expect(try parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n").0?.keepsAlive == false)
    }

    private func body(_ text: String, step: Int) throws -> [UInt8]? {
        var queue = ByteQueue()
        var parser = BodyParser(.chunked)
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while true {
            switch try parser.next(from: &queue) {
            case .piece(let bytes): result += bytes
            case .end: return result
            case .needsMore:
                if rest.isEmpty { return nil }
                queue.append(Array(rest.prefix(step)))
                rest = rest.dropFirst(step)
            }
        }
    }

    @Test(arguments: [1, 3, 100])
    func `chunks are joined, extensions and trailers skipped`(step: Int) throws {
        #expect(
            try body("5;a=b\r\nhello\r\nA\r\n, 12345678\r\n0\r\nX: y\r\n\r\n", step: step)
                == Array("hello, 12345678".utf8))
        #expect(try body("5\r\nhel", step: step) == nil)
    }

    @Test(arguments: [
        "\r\n", "g\r\n", "-1\r\n", "0x5\r\nhello\r\n", "5\nhello\r\n", "3\r\nhello\r\n0\r\n\r\n", " 5\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
    ])
    func `a broken chunk is refused`(text: String) {
        #expect(throws: HTTPRefusal.self) { _ = try body(text, step: 2) }
    }

    @Test func `what the writer makes the parser reads back`() throws {
        var queue = ByteQueue()
        queue.append(HTTPWriter.head(status: 200, headers: ["A": "b\r\nX: evil", "Transfer-Encoding": "chunked"]))
        var scanned = 0
        let head = try HTTPHeadParser.response(from: &queue, scanned: &scanned, method: "GET")
        #expect(head?.headers["A"] == "b  X: evil")
        #expect(head?.framing == .chunked)
        for piece in HTTPWriter.chunk([[1, 2], [3]]) { queue.append(piece) }
        queue.append(HTTPWriter.lastChunk)
        var parser = BodyParser(.chunked)
        #expect(try parser.next(from: &queue) == .piece([1, 2, 3]))
        #expect(try parser.next(from: &queue) == .end)
        #expect(HTTPWriter.date(Timestamp(seconds: 784_111_777)) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test func `random bytes never trap the parsers`() {
        var seed = SystemRandomNumberGenerator()
        let alphabet = Array("GET / HTTP/1.1\r\n: \u{0}5a;,chunked".utf8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<60, using: &seed)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &seed)]
            }
            var queue = ByteQueue()
            queue.append(bytes)
            var scanned = 0
            _ = try? HTTPHeadParser.request(from: &queue, scanned: &scanned)
            var chunks = BodyParser(.chunked)
            while let step = try? chunks.next(from: &queue), case .piece = step {}
            var frames = WebSocketParser(.client)
            frames.feed(bytes)
            while let message = try? frames.next(), message != .ping([]) {}
        }
    }
}
