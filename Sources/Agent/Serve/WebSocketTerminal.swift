import Shared

/// Exec and attach over the channels of a WebSocket.
struct WebSocketTerminal: TerminalClient {
    let socket: WebSocketChannel
    let streams: TerminalStreams
    let kind: ChannelProtocol

    /// An empty message tells the client that the connection stands. Source: kubelet `createWebSocketStreams`.
    func ready() async throws {
        try await send(streams.output ? .standardOutput : streams.errors ? .standardError : .error, [])
    }

    func receive(_ take: @escaping @Sendable (TerminalInput) async throws -> Void) async {
        while let message = try? await socket.receive() {
            guard let frame = kind.frame(message) else { continue }
            let input: TerminalInput?
            switch frame.channel {
            case .standardInput: input = streams.input ? .bytes(frame.bytes) : nil
            case .resize: input = TerminalInput(size: frame.bytes)
            case .close: input = frame.closed == .standardInput ? .end : nil
            default: input = nil
            }
            if let input, (try? await take(input)) == nil { return }
        }
    }

    func send(_ bytes: [UInt8], isError: Bool) async throws {
        guard isError ? streams.errors : streams.output else { return }
        try await send(isError ? .standardError : .standardOutput, bytes)
    }

    func finish(_ end: ProgramEnd) async {
        let message = end.message(version: kind.version)
        if !message.isEmpty { try? await send(.error, message) }
        try? await socket.close(code: 1000)
    }

    func abort() { socket.abort() }

    private func send(_ channel: ChannelFrame.Channel, _ bytes: [UInt8]) async throws {
        switch kind.message(ChannelFrame(channel, bytes)) {
        case .text(let text): try await socket.send(text: text)
        case .binary(let bytes): try await socket.send(binary: bytes)
        default: break
        }
    }
}
