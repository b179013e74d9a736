import Synchronization

/// A WebSocket over a channel of bytes. A class: it owns the channel. One task may receive while others send.
/// Source: RFC 6455.
package final class WebSocketChannel: Sendable {
    private let channel: any ByteChannel
    private let role: WebSocketParser.Role
    private let parser: Mutex<WebSocketParser>
    private let outgoing = WriteTurns()
    private let hasClosed = Mutex(false)

    /// - Parameter role: this side's.
    package init(
        _ channel: any ByteChannel, role: WebSocketParser.Role, messageBytesMax: Int = Limits.webSocketMessageBytesMax
    ) {
        self.channel = channel
        self.role = role
        parser = Mutex(WebSocketParser(role, messageBytesMax: messageBytesMax))
    }

    /// The next text or binary message; pings are answered, pongs skipped. Nil when the peer has closed in order.
    /// - Throws: `WebSocketError` when the peer breaks the protocol (it is told), the channel's errors.
    package func receive() async throws -> WebSocketMessage? {
        while true {
            let message: WebSocketMessage?
            do {
                message = try parser.withLock { try $0.next() }
            } catch let error as WebSocketError {
                try? await close(code: error.code, reason: error.description)
                throw error
            }
            switch message {
            case .text, .binary: return message
            case .ping(let bytes): try await send(WebSocketFrame(.pong, bytes))
            case .pong: continue
            case .close(let code, _):
                try? await close(code: code == 1005 ? 1000 : code, reason: "")
                return nil
            case nil:
                guard let bytes = try await channel.read(most: Limits.readBytes) else {
                    if hasClosed.withLock({ $0 }) { return nil }
                    throw NetError(.closed, "the peer left without closing the WebSocket")
                }
                parser.withLock { $0.feed(bytes) }
            }
        }
    }

    package func send(text: String) async throws { try await send(WebSocketFrame(.text, Array(text.utf8))) }
    package func send(binary: [UInt8]) async throws { try await send(WebSocketFrame(.binary, binary)) }
    package func send(_ frame: ChannelFrame) async throws { try await send(binary: frame.encoded) }
    package func ping(_ bytes: [UInt8] = []) async throws { try await send(WebSocketFrame(.ping, bytes)) }

    /// Tells the peer, once. The peer's answer ends `receive`; call `abort` to free the channel.
    package func close(code: UInt16 = 1000, reason: String = "") async throws {
        let isFirst = hasClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        guard isFirst else { return }
        let text = Array(reason.utf8.prefix(120))
        try await send(WebSocketFrame(.close, [UInt8(code >> 8), UInt8(code & 255)] + text))
    }

    /// Ends the channel at once.
    package func abort() { channel.close() }

    private func send(_ frame: WebSocketFrame) async throws {
        let bytes = frame.encoded(mask: role == .client ? Random.bytes(4) : nil)
        let channel = channel
        try await outgoing.take { try await channel.write(bytes) }
    }
}
