import Synchronization

/// Bytes from one task to another with a bound: the writer waits while it is full, the reader while it is empty. A
/// class: both sides hold it. One reader and one writer at a time; when either is cancelled, the pipe has failed.
package final class BytePipe: Sendable {
    private struct State {
        var queue = ByteQueue()
        var isFinished = false
        var isDiscarding = false
        var failure: (any Error)?
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?

        mutating func takeReader() -> CheckedContinuation<Void, Never>? { reader.take() }
        mutating func takeWriter() -> CheckedContinuation<Void, Never>? { writer.take() }
    }
    private let state = Mutex(State())
    private let most: Int

    /// - Parameter most: bytes from which on the writer waits.
    package init(most: Int) { self.most = most }

    /// The next bytes; nil when the writer has finished.
    /// - Throws: what the pipe has failed with.
    package func read(most: Int = 65_536) async throws -> [UInt8]? {
        while true {
            let (ready, writer) = try state.withLock { state -> ([UInt8]??, CheckedContinuation<Void, Never>?) in
                if !state.queue.isEmpty {
                    let bytes = state.queue.take(most: max(1, most))
                    return (.some(bytes), state.queue.count < self.most ? state.takeWriter() : nil)
                }
                if let failure = state.failure { throw failure }
                return (state.isFinished ? .some(nil) : nil, nil)
            }
            writer?.resume()
            if let ready { return ready }
            await wait(.reader) { $0.queue.isEmpty && !$0.isFinished && $0.failure == nil }
        }
    }

    /// Returns when there is room for more.
    /// - Throws: what the pipe has failed with.
    package func write(_ bytes: [UInt8]) async throws {
        let reader = try state.withLock { state -> CheckedContinuation<Void, Never>? in
            if let failure = state.failure { throw failure }
            if state.isDiscarding || state.isFinished || bytes.isEmpty { return nil }
            state.queue.append(bytes)
            return state.takeReader()
        }
        reader?.resume()
        await wait(.writer) { [most] in $0.queue.count >= most && !$0.isDiscarding && $0.failure == nil }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// No more bytes follow.
    package func finish() {
        state.withLock { state in
            state.isFinished = true
            return state.takeReader()
        }?.resume()
    }

    /// Throws away what is in the pipe and what comes: the reader wants no more, and the writer shall not wait.
    package func discard() {
        state.withLock { state in
            state.isDiscarding = true
            state.queue = ByteQueue()
            return state.takeWriter()
        }?.resume()
    }

    /// Ends both sides.
    package func fail(_ error: any Error) {
        let (reader, writer) = state.withLock { state in
            if state.failure == nil { state.failure = error }
            return (state.takeReader(), state.takeWriter())
        }
        reader?.resume()
        writer?.resume()
    }

    private enum Side: Sendable { case reader, writer }

    private func wait(_ side: Side, while mustWait: @Sendable (borrowing State) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isLate = state.withLock { state in
                    guard mustWait(state) else { return true }
                    switch side {
                    case .reader: state.reader = continuation
                    case .writer: state.writer = continuation
                    }
                    return false
                }
                if isLate { continuation.resume() }
            }
        } onCancel: {
            fail(CancellationError())
        }
    }
}

/// Two ends of a connection within the process: what one writes, the other reads.
package struct PipeChannel: ByteChannel {
    private let incoming: BytePipe
    private let outgoing: BytePipe

    package static func pair(most: Int = 65_536) -> (PipeChannel, PipeChannel) {
        let (left, right) = (BytePipe(most: most), BytePipe(most: most))
        return (PipeChannel(incoming: left, outgoing: right), PipeChannel(incoming: right, outgoing: left))
    }
    package func read(most: Int) async throws -> [UInt8]? { try await incoming.read(most: most) }
    package func write(_ bytes: [UInt8]) async throws { try await outgoing.write(bytes) }
    package func closeWriting() { outgoing.finish() }
    package func close() {
        outgoing.finish()
        outgoing.discard()
        incoming.fail(NetError(.closed, "the channel is closed"))
    }
}
