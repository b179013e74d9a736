import Shared
import Synchronization

@testable import Master

/// The way from the controllers to one master, cut when the master loses its power. A class: all ends share the cut.
final class Line: Sendable {
    private let server: Mutex<APIServer?>
    private let executor: any TaskExecutor

    init(_ server: APIServer, _ executor: any TaskExecutor) {
        self.server = Mutex(server)
        self.executor = executor
    }

    func cut() { server.withLock { $0 = nil } }

    /// The way of one user.
    func transport(_ user: User) -> any Transport { End(line: self, user: user) }

    private func transport(of user: User) throws -> InProcessTransport {
        guard let server = server.withLock({ $0 }) else { throw NetError(.closed, "the master has lost its power") }
        return InProcessTransport(server: server, user: user, executor: executor)
    }

    private struct End: Transport {
        let line: Line
        let user: User

        func send(_ request: HTTPRequest) async throws -> HTTPResponse {
            try await line.transport(of: user).send(request)
        }
        func stream(_ request: HTTPRequest) async throws -> HTTPStream {
            try await line.transport(of: user).stream(request)
        }
        func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) {
            try await line.transport(of: user).upgrade(request)
        }
    }
}
