import Synchronization

/// Serves HTTP/1.1 on any number of listeners, a task per connection.
///
/// Cancelling `run` stops it in order: no new connection is taken, requests that are being answered finish, streams
/// and upgraded connections see the end of their client's bytes, and what is left after `Timing.stop` is cut.
package struct HTTPServer: Service {
    package typealias Handler = @Sendable (HTTPServerRequest) async -> HTTPServerReply
    /// One place to listen at; without a context the bytes are not encrypted.
    package struct Endpoint: Sendable {
        package let listener: Listener
        package let tls: TLSContext?
        package init(_ listener: Listener, tls: TLSContext? = nil) {
            self.listener = listener
            self.tls = tls
        }
    }
    /// How patient the server is.
    package struct Timing: Sendable {
        package var handshake = Duration.seconds(Limits.handshakeSeconds)
        package var requestHead = Duration.seconds(Limits.requestHeadSeconds)
        package var requestBody = Duration.seconds(Limits.requestBodySeconds)
        package var keepAlive = Duration.seconds(Limits.keepAliveSeconds)
        package var write = Duration.seconds(Limits.writeSeconds)
        package var stop = Duration.seconds(Limits.stopSeconds - 1)
        package init() {}
    }

    let endpoints: [Endpoint]
    let timing: Timing
    let bodyBytesMax: Int
    let log: Log
    let handler: Handler
    private let connectionsMax: Int
    let live = LiveConnections()

    /// - Parameters:
    ///   - connectionsMax: further connections are closed at once.
    ///   - bodyBytesMax: a larger request body is refused with 413.
    package init(
        _ endpoints: [Endpoint], log: Log, timing: Timing = Timing(), connectionsMax: Int = Limits.serverConnectionsMax,
        bodyBytesMax: Int = Limits.bodyBytesMax, handler: @escaping Handler
    ) {
        self.endpoints = endpoints
        self.timing = timing
        self.connectionsMax = connectionsMax
        self.bodyBytesMax = bodyBytesMax
        self.log = log
        self.handler = handler
    }

    /// Connections that are open now.
    package var connectionCount: Int { live.count }

    package func run() async throws {
        // Not a child task: cancellation must reach the connections as an orderly stop, not as an error in the
        // middle of an answer. It is awaited right here.
        let serving = Task { await serve() }
        await withTaskCancellationHandler {
            await serving.value
        } onCancel: {
            for endpoint in endpoints { endpoint.listener.close() }
            live.stop()
            // Bridges the synchronous cancellation to the end of the grace period.
            Task {
                try await SystemClock().sleep(for: timing.stop)
                serving.cancel()
                live.cut()
            }
        }
        if !Task.isCancelled { throw NetError(.closed, "every listener of the HTTP server has ended") }
    }

    private func serve() async {
        await withDiscardingTaskGroup { group in
            for endpoint in endpoints { group.addTask { await accept(endpoint) } }
        }
    }

    private func accept(_ endpoint: Endpoint) async {
        await withDiscardingTaskGroup { group in
            while true {
                do {
                    let connection = try await endpoint.listener.accept()
                    guard let ticket = live.add(connection, most: connectionsMax) else {
                        connection.close()
                        log.warning(
                            "a connection is refused because \(connectionsMax) are open", ("peer", connection.peer))
                        continue
                    }
                    group.addTask {
                        await converse(connection, endpoint.tls)
                        live.remove(ticket)
                    }
                } catch let error as NetError where error.reason == .closed {
                    return
                } catch is CancellationError {
                    return
                } catch {
                    log.error("taking a connection failed", ("error", "\(error)"))
                }
            }
        }
    }

    /// Everything that happens on one connection.
    private func converse(_ plain: Connection, _ tls: TLSContext?) async {
        defer { plain.close() }
        do {
            let timed = plain.timing(read: timing.requestBody, write: timing.write)
            let connection: Connection
            if let tls {
                connection = try await timed.secured(by: tls, timeout: timing.handshake)
            } else {
                connection = timed
            }
            defer { connection.close() }
            var conversation = HTTPConversation(connection, server: self)
            try await conversation.run()
        } catch {
            // The peer's failures are no news: broken connections, bad handshakes, slow readers.
            log.debug("a connection ended", ("peer", plain.peer), ("error", "\(error)"))
        }
    }
}

/// The open connections of a server. A class: the server's tasks share it.
final class LiveConnections: Sendable {
    private struct State {
        var connections: [Int: Connection] = [:]
        var last = 0
        var isStopping = false
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.connections.count } }
    var isStopping: Bool { state.withLock { $0.isStopping } }

    func add(_ connection: Connection, most: Int) -> Int? {
        state.withLock { state in
            guard state.connections.count < most, !state.isStopping else { return nil }
            state.last += 1
            state.connections[state.last] = connection
            return state.last
        }
    }

    func remove(_ ticket: Int) { state.withLock { $0.connections[ticket] = nil } }

    /// Lets every connection end after the answer that it is giving.
    func stop() {
        let connections = state.withLock { state in
            state.isStopping = true
            return Array(state.connections.values)
        }
        for connection in connections { connection.closeReading() }
    }

    /// Ends every connection at once.
    func cut() {
        for connection in state.withLock({ Array($0.connections.values) }) { connection.close() }
    }
}
