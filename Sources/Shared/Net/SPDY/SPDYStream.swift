import Synchronization

/// One stream of a SPDY session. A class: the session and the stream's user share it. One task may read while
/// another writes.
package final class SPDYStream: Sendable {
    package let id: UInt32
    /// What the stream was opened with; names in lower case.
    package let headers: HTTPHeaders
    private let session: SPDYSession
    private let incoming = BytePipe(most: Limits.spdyStreamBytesMax)
    private struct Ends {
        var ours = false
        var theirs = false
    }
    private let ends = Mutex(Ends())

    init(_ id: UInt32, _ headers: HTTPHeaders, in session: SPDYSession) {
        self.id = id
        self.headers = headers
        self.session = session
    }

    /// The next bytes; nil when the peer has closed its direction.
    /// - Throws: when the stream was reset or the session has ended.
    package func read(most: Int = 65_536) async throws -> [UInt8]? { try await incoming.read(most: most) }

    /// Returns when the bytes are handed to the connection.
    package func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard !ends.withLock({ $0.ours }) else { throw NetError(.closed, "the stream is closed") }
            let piece = Array(rest.prefix(Limits.spdyDataBytes))
            rest = rest.dropFirst(piece.count)
            try await session.send(.data(id: id, bytes: piece, isLast: false))
        }
    }

    /// Tells the peer that no more bytes follow; once.
    package func finish() async throws {
        let (isFirst, isOver) = ends.withLock { ends in
            defer { ends.ours = true }
            return (!ends.ours, ends.theirs)
        }
        guard isFirst else { return }
        try await session.send(.data(id: id, bytes: [], isLast: true))
        if isOver { session.forget(self) }
    }

    /// Ends both directions at once.
    package func reset(_ code: SPDYFrame.Reset = .cancel) async {
        let isOpen = ends.withLock { ends in
            defer { ends = Ends(ours: true, theirs: true) }
            return !(ends.ours && ends.theirs)
        }
        session.forget(self)
        incoming.fail(NetError(.closed, "the stream was reset"))
        if isOpen { try? await session.send(.reset(id: id, code: code)) }
    }

    /// What arrives from now on is thrown away, so that it does not hold the session up.
    package func discard() { incoming.discard() }

    // MARK: The session's side

    func receive(_ bytes: [UInt8], isLast: Bool) async throws {
        // A stream that was reset meanwhile takes nothing; the session goes on.
        if !bytes.isEmpty { try? await incoming.write(bytes) }
        try Task.checkCancellation()
        if isLast { receiveEnd() }
    }

    func receiveEnd() {
        let isOver = ends.withLock { ends in
            ends.theirs = true
            return ends.ours
        }
        incoming.finish()
        if isOver { session.forget(self) }
    }

    func fail(_ error: any Error) {
        ends.withLock { $0 = Ends(ours: true, theirs: true) }
        incoming.fail(error)
    }
}
