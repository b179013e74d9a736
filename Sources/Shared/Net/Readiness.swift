import Synchronization

/// What the poller knows about one descriptor, and the tasks that wait for it. A class: it is shared by the poller
/// and the socket.
///
/// Edge-triggered: whoever meets EAGAIN waits; a change between the two is remembered, so that none is lost. A wait
/// may end without a change; the caller tries again.
final class Readiness: Sendable {
    enum Direction { case read, write }
    private struct Waiter {
        let id: Int
        let direction: Direction
        /// Uptime in nanoseconds.
        let deadline: Int64
        let continuation: CheckedContinuation<Void, any Error>
    }
    private struct State {
        var canRead = false
        var canWrite = false
        var isClosed = false
        var lastID = 0
        var waiters: [Waiter] = []

        /// Takes out the waiters that `matches` names.
        mutating func take(_ matches: (Waiter) -> Bool) -> [Waiter] {
            if waiters.isEmpty { return [] }
            let taken = waiters.filter(matches)
            if !taken.isEmpty { waiters.removeAll(where: matches) }
            return taken
        }
    }
    let token: UInt64
    private let state = Mutex(State())

    init(token: UInt64) { self.token = token }

    /// Returns when the descriptor may be ready.
    /// - Parameter deadline: uptime; nil waits for ever.
    /// - Throws: `NetError.timedOut`, `NetError.closed` after `close`, `CancellationError`.
    func wait(for direction: Direction, until deadline: Duration?) async throws {
        let deadline = deadline?.nanoseconds ?? .max
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    // The flag is set before the handler runs, so one of the two always sees the other.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.isClosed { return .failure(Readiness.closed) }
                    switch direction {
                    case .read where state.canRead:
                        state.canRead = false
                        return .success(())
                    case .write where state.canWrite:
                        state.canWrite = false
                        return .success(())
                    default:
                        state.waiters.append(
                            Waiter(id: id, direction: direction, deadline: deadline, continuation: continuation))
                        return nil
                    }
                }
                if let outcome {
                    continuation.resume(with: outcome)
                } else if deadline < .max {
                    Poller.shared.alarm(at: deadline)
                }
            }
        } onCancel: {
            for waiter in state.withLock({ $0.take { $0.id == id } }) {
                waiter.continuation.resume(throwing: CancellationError())
            }
        }
    }

    /// Takes an answer of epoll.
    func signal(_ events: UInt32) {
        let hasEnded = events & (0x8 | 0x10) != 0  // EPOLLERR | EPOLLHUP
        wake(read: hasEnded || events & (0x1 | 0x2000) != 0, write: hasEnded || events & 0x4 != 0)
    }

    func wake(read: Bool, write: Bool) {
        let waiters = state.withLock { state in
            let woken = state.take { $0.direction == .read ? read : write }
            if read, !woken.contains(where: { $0.direction == .read }) { state.canRead = true }
            if write, !woken.contains(where: { $0.direction == .write }) { state.canWrite = true }
            return woken
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    /// Ends every wait, now and later.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            return state.take { _ in true }
        }
        for waiter in waiters { waiter.continuation.resume(throwing: Readiness.closed) }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Ends the waits whose deadline has passed; the earliest of the others.
    func expire(at now: Int64) -> Int64 {
        let (late, next) = state.withLock { state in
            (state.take { $0.deadline <= now }, state.waiters.map(\.deadline).min() ?? .max)
        }
        for waiter in late {
            waiter.continuation.resume(throwing: NetError(.timedOut, "the peer did nothing for too long"))
        }
        return next
    }

    private static let closed = NetError(.closed, "the connection is closed")
}
