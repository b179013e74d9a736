import Shared
import Synchronization

/// Connections to a pod's ports as pairs of SPDY streams: one of data, one for an error, which have the same
/// `requestID`. Source: kubelet `portforward`, protocol `portforward.k8s.io`.
struct PortForward: Sendable {
    static let name = "portforward.k8s.io"
    typealias Dial = @Sendable (_ port: Int) async throws -> Connection

    let pod: String
    let dial: Dial

    /// Returns when the client has left; everything is closed then.
    func run(_ channel: any ByteChannel) async {
        guard let session = try? SPDYSession(channel, role: .server) else { return channel.close() }
        let (pairs, giver) = AsyncStream.makeStream(of: StreamPair.self)
        let waiting = StreamPairs()
        await withDiscardingTaskGroup { group in
            group.addTask {
                try? await session.run { stream in
                    guard let key = PortForward.key(stream), let port = stream.headers["port"] else { return false }
                    if let full = waiting.add(stream, key: key, port: port) { giver.yield(full) }
                    return true
                }
                giver.finish()
                session.close()
            }
            for await pair in pairs { group.addTask { await carry(pair) } }
            group.cancelAll()
        }
    }

    /// What two streams of one connection share. Clients before 1.6 sent no `requestID`: the error stream came first.
    private static func key(_ stream: SPDYStream) -> String? {
        let type = stream.headers["streamtype"]
        guard type == "data" || type == "error" else { return nil }
        if let id = stream.headers["requestid"], !id.isEmpty { return id }
        return type == "error" ? "\(stream.id)" : "\(Int64(stream.id) - 2)"
    }

    private func carry(_ pair: StreamPair) async {
        guard let data = pair.data, let error = pair.error else { return }
        error.discard()
        do {
            guard let port = Int(pair.port), (1...65_535).contains(port) else {
                throw NetError(.name, "\"\(pair.port)\" is no port")
            }
            let connection = try await dial(port)
            defer { connection.close() }
            await PortForward.join(data, connection)
            try? await data.finish()
        } catch let failure {
            let text = "error forwarding port \(pair.port) to pod \(pod): \(failure)"
            try? await error.write(Array(text.utf8))
            await data.reset()
        }
        try? await error.finish()
    }

    /// Both directions; the end of one is passed on and does not end the other.
    private static func join(_ stream: SPDYStream, _ connection: Connection) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    while let bytes = try await stream.read() { try await connection.write(bytes) }
                    connection.closeWriting()
                } catch {
                    // The client has reset the stream or left, or the program has closed.
                    connection.close()
                    stream.discard()
                }
            }
            group.addTask {
                while let bytes = try? await connection.read(most: 65_536, within: nil),
                    (try? await stream.write(bytes)) != nil
                {}
                try? await stream.finish()
            }
            await group.waitForAll()
        }
    }
}

/// The streams that have come of one connection.
private struct StreamPair: Sendable {
    let port: String
    var data: SPDYStream?
    var error: SPDYStream?
}

/// Connections of which one stream has come. A class: the session hands its streams to it.
private final class StreamPairs: Sendable {
    private let waiting = Mutex<[String: StreamPair]>([:])

    /// The pair, once both streams are there.
    func add(_ stream: SPDYStream, key: String, port: String) -> StreamPair? {
        waiting.withLock { waiting in
            var pair = waiting[key] ?? StreamPair(port: port)
            if stream.headers["streamtype"] == "data" { pair.data = stream } else { pair.error = stream }
            let isFull = pair.data != nil && pair.error != nil
            waiting[key] = isFull ? nil : pair
            return isFull ? pair : nil
        }
    }
}

/// Port-forward over the channels of a WebSocket: of the port at index N, channel 2N carries data and 2N+1 an error;
/// the first message on each is the port, two bytes, the low one first. Source: kubelet `portforward/websocket.go`.
struct PortForwardChannels: Sendable {
    let socket: WebSocketChannel
    let kind: ChannelProtocol
    let ports: [Int]
    let dial: PortForward.Dial

    func run() async {
        let inputs = ports.map { _ in BytePipe(most: Limits.spdyStreamBytesMax) }
        for (index, port) in ports.enumerated() {
            for channel in [2 * index, 2 * index + 1] {
                try? await send(channel, [UInt8(port & 255), UInt8(port >> 8)])
            }
        }
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await receive(inputs)
                return false
            }
            for index in ports.indices {
                group.addTask {
                    await carry(index, inputs[index])
                    return true
                }
            }
            var open = ports.count
            while open > 0, let isPort = await group.next() {
                guard isPort else { break }
                open -= 1
            }
            if open == 0 { try? await socket.close() }
            for input in inputs { input.fail(CancellationError()) }
            socket.abort()
            group.cancelAll()
        }
    }

    private func receive(_ inputs: [BytePipe]) async {
        while let message = try? await socket.receive() {
            guard let bytes = kind.bytes(message), let channel = bytes.first, channel & 1 == 0,
                inputs.indices.contains(Int(channel / 2))
            else { continue }
            // A port whose connection has ended takes no more; the others go on.
            try? await inputs[Int(channel / 2)].write(Array(bytes.dropFirst()))
            if Task.isCancelled { return }
        }
    }

    private func carry(_ index: Int, _ input: BytePipe) async {
        do {
            let connection = try await dial(ports[index])
            defer { connection.close() }
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let bytes = try? await input.read(), (try? await connection.write(bytes)) != nil {}
                }
                group.addTask {
                    while let bytes = try? await connection.read(most: 32_768, within: nil),
                        (try? await send(2 * index, bytes)) != nil
                    {}
                    // There is no way to say that a channel has ended but to end the connection.
                    input.fail(CancellationError())
                }
                await group.next()
                connection.close()
                input.fail(CancellationError())
            }
        } catch {
            try? await send(2 * index + 1, Array("error forwarding port \(ports[index]): \(error)".utf8))
        }
    }

    private func send(_ channel: Int, _ bytes: [UInt8]) async throws {
        switch kind.message(channel: UInt8(truncatingIfNeeded: channel), bytes) {
        case .text(let text): try await socket.send(text: text)
        case .binary(let bytes): try await socket.send(binary: bytes)
        default: break
        }
    }
}
