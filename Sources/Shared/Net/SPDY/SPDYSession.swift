import Synchronization

/// SPDY/3.1 over a channel of bytes, as Kubernetes's clients speak it: streams that either side opens, without flow
/// control of their own. A class: it owns the channel. Source: draft-mbelshe-httpbis-spdy-00, moby/spdystream.
///
/// A stream whose reader is slow holds up the session once `Limits.spdyStreamBytesMax` wait in it.
package final class SPDYSession: Sendable {
    package enum Role: Sendable { case client, server }
    private struct State {
        var streams: [UInt32: SPDYStream] = [:]
        var nextID: UInt32
        var lastPeerID: UInt32 = 0
        var failure: (any Error)?
        /// Streams of ours that the peer has not answered yet.
        var opening: [UInt32: CheckedContinuation<Void, any Error>] = [:]
        /// Streams of ours that were answered before anybody waited for it.
        var answered: Set<UInt32> = []
    }
    private let channel: any ByteChannel
    private let role: Role
    private let state: Mutex<State>
    private let deflater: Mutex<HeaderDeflater>
    private let inflater: Mutex<HeaderInflater>
    private let outgoing = WriteTurns()

    package init(_ channel: any ByteChannel, role: Role) throws {
        self.channel = channel
        self.role = role
        state = Mutex(State(nextID: role == .client ? 1 : 2))
        deflater = Mutex(try HeaderDeflater())
        inflater = Mutex(try HeaderInflater())
    }

    /// Streams that are open.
    package var streamCount: Int { state.withLock { $0.streams.count } }

    /// Reads until the peer leaves or the session is closed.
    /// - Parameter accept: told of every stream that the peer opens; false refuses it. What is written to the stream from
    ///   then on goes out behind the answer.
    /// - Throws: `SPDYError` for a peer that breaks the protocol, the channel's errors.
    package func run(_ accept: @Sendable (SPDYStream) -> Bool = { _ in false }) async throws {
        var parser = SPDYParser()
        do {
            while let bytes = try await channel.read(most: 65_536) {
                parser.feed(bytes)
                while let frame = try parser.next() { try await receive(frame, accept) }
            }
            end(NetError(.closed, "the peer has closed the connection"))
        } catch {
            end(error)
            throw error
        }
    }

    /// Opens a stream and waits for the peer's answer.
    package func open(_ headers: HTTPHeaders) async throws -> SPDYStream {
        let stream = try state.withLock { state -> SPDYStream in
            if let failure = state.failure { throw failure }
            let stream = SPDYStream(state.nextID, headers, in: self)
            state.nextID += 2
            state.streams[stream.id] = stream
            return stream
        }
        try await send(headers) { .synStream(id: stream.id, headerBlock: $0, isLast: false) }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let late: Result<Void, any Error>? = state.withLock { state in
                    if let failure = state.failure { return .failure(failure) }
                    if state.answered.remove(stream.id) != nil { return .success(()) }
                    if state.streams[stream.id] == nil { return .failure(NetError(.refused, "the stream is refused")) }
                    state.opening[stream.id] = continuation
                    return nil
                }
                if let late { continuation.resume(with: late) }
            }
        } onCancel: {
            state.withLock { $0.opening.removeValue(forKey: stream.id) }?.resume(throwing: CancellationError())
        }
        return stream
    }

    /// Says that no more streams are taken.
    package func sayGoodbye() async {
        let last = state.withLock { $0.lastPeerID }
        try? await send(.goAway(lastID: last))
    }

    /// Ends the session and its channel at once.
    package func close() {
        end(NetError(.closed, "the session is closed"))
        channel.close()
    }

    func send(_ frame: SPDYFrame) async throws {
        let bytes = frame.encoded
        let channel = channel
        try await outgoing.take { try await channel.write(bytes) }
    }

    func forget(_ stream: SPDYStream) { state.withLock { _ = $0.streams.removeValue(forKey: stream.id) } }

    /// Headers are packed in the order in which they are written.
    private func send(_ headers: HTTPHeaders, _ frame: @Sendable ([UInt8]) -> SPDYFrame) async throws {
        let channel = channel
        try await outgoing.take {
            let block = try deflater.withLock { try $0.pack(headers) }
            try await channel.write(frame(block).encoded)
        }
    }

    private func receive(_ frame: SPDYFrame, _ accept: @Sendable (SPDYStream) -> Bool) async throws {
        switch frame {
        case .synStream(let id, let block, let isLast):
            try await open(id, try unpack(block), isLast: isLast, accept)
        case .synReply(let id, let block, let isLast):
            _ = try unpack(block)
            let waiting = state.withLock { state in
                let waiting = state.opening.removeValue(forKey: id)
                if waiting == nil, state.streams[id] != nil { state.answered.insert(id) }
                return waiting
            }
            waiting?.resume()
            if isLast { stream(id)?.receiveEnd() }
        case .headers(let id, let block, let isLast):
            _ = try unpack(block)
            if isLast { stream(id)?.receiveEnd() }
        case .data(let id, let bytes, let isLast):
            // Bytes of a stream that has just been reset are still on their way.
            if let stream = stream(id) { try await stream.receive(bytes, isLast: isLast) }
        case .reset(let id, _):
            let (stream, waiting) = state.withLock { state in
                (state.streams.removeValue(forKey: id), state.opening.removeValue(forKey: id))
            }
            let error = NetError(.closed, "the peer has reset the stream")
            stream?.fail(error)
            waiting?.resume(throwing: error)
        case .ping(let id):
            // An answer has the number of the side that asked.
            if (id & 1 == 1) == (role == .server) { try await send(.ping(id)) }
        case .goAway, .windowUpdate, .other: break
        }
    }

    private func unpack(_ block: [UInt8]) throws -> HTTPHeaders { try inflater.withLock { try $0.unpack(block) } }
    private func stream(_ id: UInt32) -> SPDYStream? { state.withLock { $0.streams[id] } }

    private func open(
        _ id: UInt32, _ headers: HTTPHeaders, isLast: Bool, _ accept: @Sendable (SPDYStream) -> Bool
    ) async throws {
        let stream = SPDYStream(id, headers, in: self)
        let hasRoom = try state.withLock { state -> Bool in
            guard id > state.lastPeerID, (id & 1 == 1) == (role == .server) else {
                throw SPDYError("the peer opens stream \(id) after \(state.lastPeerID)")
            }
            state.lastPeerID = id
            guard state.streams.count < Limits.spdyStreamsMax else { return false }
            state.streams[id] = stream
            return true
        }
        let channel = channel
        // In one turn: what is written because of the stream follows its answer, since clients wait for that first.
        let isAccepted = try await outgoing.take {
            guard hasRoom, accept(stream) else {
                forget(stream)
                try await channel.write(SPDYFrame.reset(id: id, code: .refused).encoded)
                return false
            }
            let block = try deflater.withLock { try $0.pack([:]) }
            try await channel.write(SPDYFrame.synReply(id: id, headerBlock: block, isLast: false).encoded)
            return true
        }
        guard isAccepted else { return }
        if isLast { stream.receiveEnd() }
    }

    private func end(_ error: any Error) {
        let (streams, waiting) = state.withLock { state in
            if state.failure == nil { state.failure = error }
            defer {
                state.streams = [:]
                state.opening = [:]
            }
            return (Array(state.streams.values), Array(state.opening.values))
        }
        for stream in streams { stream.fail(error) }
        for continuation in waiting { continuation.resume(throwing: error) }
    }
}
