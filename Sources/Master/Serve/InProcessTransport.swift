import Shared
import Synchronization

/// Reaches the API server within its own process: the same chain, without sockets and without TLS. The identity is
/// given by whoever makes the transport.
struct InProcessTransport: Transport {
    let server: APIServer
    let user: User
    /// Where the joints of streams run; nil means where all tasks do.
    var executor: (any TaskExecutor)?

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let answer = try await stream(request)
        var body: [UInt8] = []
        while let piece = try await answer.body.next() { body += piece }
        return HTTPResponse(answer.status, headers: answer.headers, body: body)
    }

    func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        switch await server.answer(HTTPServerRequest(request: request, peer: .unix("")), as: user) {
        case .whole(let status, let headers, let pieces):
            let rest = Mutex(pieces[...])
            return HTTPStream(
                status: status, headers: headers, body: ByteStream(pull: { rest.withLock { $0.popFirst() } }))
        case .stream(let status, let headers, let body):
            let handoff = Handoff()
            // The body is a push, the reader a pull: this task joins the two and ends with the reader.
            let task = Task(executorPreference: executor) {
                do {
                    try await body(BodyWriter { pieces in for piece in pieces { try await handoff.give(piece) } })
                    handoff.finish(nil)
                } catch {
                    handoff.finish(error)
                }
            }
            return HTTPStream(
                status: status, headers: headers,
                body: ByteStream(
                    pull: {
                        try await withTaskCancellationHandler {
                            try await handoff.take()
                        } onCancel: {
                            handoff.close()
                        }
                    },
                    stop: {
                        handoff.close()
                        task.cancel()
                    }))
        case .upgrade:
            throw Status(.badRequest, "a caller inside the server can not switch protocols")
        }
    }

    func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) {
        throw Status(.badRequest, "a caller inside the server can not switch protocols")
    }
}

/// Hands pieces from one task to another, one at a time: the giver waits until the taker has the piece. When the giver
/// is cancelled the taker is at the end; its own task goes on. A class: both sides hold it.
private final class Handoff: Sendable {
    private enum State {
        case idle
        case offered([UInt8], CheckedContinuation<Void, any Error>)
        case wanted(CheckedContinuation<[UInt8]?, any Error>)
        case finished((any Error)?)
    }
    private let state = Mutex(State.idle)

    func give(_ piece: [UInt8]) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (giver: CheckedContinuation<Void, any Error>) in
                let resume: (() -> Void) = state.withLock { state in
                    switch state {
                    case .idle:
                        state = .offered(piece, giver)
                        return {}
                    case .wanted(let taker):
                        state = .idle
                        return {
                            taker.resume(returning: piece)
                            giver.resume()
                        }
                    case .offered, .finished: return { giver.resume(throwing: CancellationError()) }
                    }
                }
                resume()
            }
        } onCancel: {
            finish(nil)
        }
    }

    func take() async throws -> [UInt8]? {
        try await withCheckedThrowingContinuation { (taker: CheckedContinuation<[UInt8]?, any Error>) in
            let resume: (() -> Void) = state.withLock { state in
                switch state {
                case .idle:
                    state = .wanted(taker)
                    return {}
                case .offered(let piece, let giver):
                    state = .idle
                    return {
                        giver.resume()
                        taker.resume(returning: piece)
                    }
                case .wanted: return { taker.resume(throwing: CancellationError()) }
                case .finished(let error):
                    return { error.map { taker.resume(throwing: $0) } ?? taker.resume(returning: nil) }
                }
            }
            resume()
        }
    }

    func close() { finish(CancellationError()) }

    func finish(_ error: (any Error)?) {
        let resume: (() -> Void) = state.withLock { state in
            defer { if case .finished = state {} else { state = .finished(error) } }
            switch state {
            case .offered(_, let giver): return { giver.resume(throwing: CancellationError()) }
            case .wanted(let taker): return { error.map { taker.resume(throwing: $0) } ?? taker.resume(returning: nil) }
            case .idle, .finished: return {}
            }
        }
        resume()
    }
}
