import Synchronization

/// The binary messages of a WebSocket as one stream of bytes, such as SPDY that is tunnelled through it. A class: it
/// keeps what was read and not taken. Source: KEP-4006.
package final class WebSocketBytes: ByteChannel {
    private let socket: WebSocketChannel
    private let left = Mutex(ByteQueue())

    package init(_ socket: WebSocketChannel) { self.socket = socket }

    package func read(most: Int) async throws -> [UInt8]? {
        while true {
            if let bytes = left.withLock({ $0.isEmpty ? nil : $0.take(most: max(1, most)) }) { return bytes }
            switch try await socket.receive() {
            case nil: return nil
            case .binary(let bytes): left.withLock { $0.append(bytes) }
            default: throw WebSocketError(1003, "a tunnel carries binary messages only")
            }
        }
    }
    package func write(_ bytes: [UInt8]) async throws { try await socket.send(binary: bytes) }
    package func close() { socket.abort() }
}
