import Synchronization

/// One answer that is being read. A class: it owns the connection until the body has ended, and closes it when it is
/// dropped before.
package final class HTTPExchange: Sendable {
    private enum State {
        case reading(HTTPReader, BodyParser)
        /// A reader has it.
        case taken
        case done
    }
    package let head: HTTPResponseHead
    private let connection: Connection
    private let idle: Duration
    private let state: Mutex<State>
    private let keep: @Sendable (Connection) -> Void

    /// - Parameter keep: takes the connection when it may carry another request.
    init(
        _ connection: Connection, _ reader: HTTPReader, _ head: HTTPResponseHead, idle: Duration,
        keep: @escaping @Sendable (Connection) -> Void
    ) {
        self.head = head
        self.connection = connection
        self.idle = idle
        self.keep = keep
        let body = BodyParser(head.framing)
        if body.isDone, head.status != 101 {
            state = Mutex(.done)
            release(reader)
        } else {
            state = Mutex(.reading(reader, body))
        }
    }

    deinit { abandon() }

    /// The next piece of the body; nil at its end.
    package func next(timeout: Duration?) async throws -> [UInt8]? {
        let taken: (HTTPReader, BodyParser)? = state.withLock { state in
            guard case .reading(let reader, let body) = state else { return nil }
            state = .taken
            return (reader, body)
        }
        guard var (reader, body) = taken else { return nil }
        do {
            guard let piece = try await reader.piece(&body, timeout: timeout) else {
                state.withLock { $0 = .done }
                release(reader)
                return nil
            }
            state.withLock { state in if case .taken = state { state = .reading(reader, body) } }
            return piece
        } catch {
            state.withLock { $0 = .done }
            connection.close()
            throw error
        }
    }

    package func whole() async throws -> [UInt8] {
        var result: [UInt8] = []
        if case .length(let count) = head.framing, count <= 64 << 20 { result.reserveCapacity(count) }
        while let piece = try await next(timeout: idle) {
            result.append(contentsOf: piece)
            guard result.count <= Limits.responseBytesMax else {
                throw NetError(
                    .system(0), "the answer of \(connection.peer) is larger than \(Limits.responseBytesMax) bytes")
            }
        }
        return result
    }

    /// Closes the connection when `body` throws.
    package func guarding<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch {
            abandon()
            throw error
        }
    }

    /// Lets go of the rest of the body.
    package func abandon() {
        let isOpen = state.withLock { state in
            if case .done = state { return false }
            state = .done
            return true
        }
        if isOpen { connection.close() }
    }

    /// The connection after status 101.
    package func takeChannel() -> (any ByteChannel)? {
        let reader: HTTPReader? = state.withLock { state in
            guard case .reading(let reader, _) = state else { return nil }
            state = .done
            return reader
        }
        guard var reader else { return nil }
        return UpgradedConnection(connection, first: reader.takeRest())
    }

    private func release(_ reader: HTTPReader) {
        if head.keepsAlive, reader.isEmpty { keep(connection) } else { connection.close() }
    }
}
