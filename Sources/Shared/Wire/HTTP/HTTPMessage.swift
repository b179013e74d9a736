/// Header fields in their order; names compare without case. Source: RFC 9110 section 5.
package struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String
    }
    package private(set) var fields: [Field] = []

    package init() {}
    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The first field of that name. Setting replaces all of them; setting nil removes them.
    package subscript(name: String) -> String? {
        get { fields.first { HTTPHeaders.same($0.name, name) }?.value }
        set {
            fields.removeAll { HTTPHeaders.same($0.name, name) }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }
    package mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }
    package func all(_ name: String) -> [String] { fields.filter { HTTPHeaders.same($0.name, name) }.map(\.value) }

    /// True when one of the comma-separated items of the field is `token`, without regard to case.
    package func contains(_ name: String, token: String) -> Bool {
        all(name).contains { value in
            value.split(separator: ",").contains { HTTPHeaders.same($0.trimmingSpaces, token) }
        }
    }

    static func same(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).allSatisfy { $0 | caseBit($0) == $1 | caseBit($1) }
    }
    private static func caseBit(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? 0x20 : 0
    }
}

extension StringProtocol {
    /// Without the spaces and tabs at both ends.
    package var trimmingSpaces: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}

/// A request with its whole body in memory (at most `Limits.bodyBytesMax`).
package struct HTTPRequest: Sendable, Equatable {
    /// `GET`, `POST`, …
    package var method: String
    /// Path and query as they stand on the request line, percent-encoded: `/api/v1/pods?limit=500`.
    package var target: String
    package var headers: HTTPHeaders
    package var body: [UInt8]

    package init(_ method: String, _ target: String, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// An answer with its whole body in memory.
package struct HTTPResponse: Sendable, Equatable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]

    package init(_ status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// A body that arrives piece by piece: a watch, a log. One reader at a time.
package struct ByteStream: Sendable {
    private let pull: @Sendable () async throws -> [UInt8]?
    private let stop: @Sendable () -> Void

    /// - Parameters:
    ///   - pull: gives the next piece, nil at the end; throws when the peer is lost.
    ///   - stop: lets go of what feeds the stream; may be called more than once.
    package init(pull: @escaping @Sendable () async throws -> [UInt8]?, stop: @escaping @Sendable () -> Void = {}) {
        self.pull = pull
        self.stop = stop
    }
    package func next() async throws -> [UInt8]? { try await pull() }
    package func close() { stop() }
}

/// An answer whose body is read piece by piece.
package struct HTTPStream: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: ByteStream
    package init(status: Int, headers: HTTPHeaders, body: ByteStream) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Two directions of bytes with a peer: a connection, with or without TLS, or a pair of queues in tests.
package protocol ByteChannel: Sendable {
    /// The next bytes that arrive, at most `most`; nil when the peer has closed its direction.
    func read(most: Int) async throws -> [UInt8]?
    /// Returns when the bytes are handed to the system; waits while the peer is slow.
    func write(_ bytes: [UInt8]) async throws
    /// Tells the peer that no more bytes follow, where the channel can; reading goes on.
    func closeWriting()
    /// Ends both directions at once. May be called more than once.
    func close()
}

extension ByteChannel {
    /// A channel that knows no such end does nothing.
    package func closeWriting() {}
}
