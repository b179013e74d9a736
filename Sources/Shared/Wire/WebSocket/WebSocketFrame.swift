/// One frame of a WebSocket. Source: RFC 6455 section 5.2.
package struct WebSocketFrame: Equatable, Sendable {
    package enum Opcode: UInt8, Sendable {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10
        var isControl: Bool { rawValue >= 8 }
    }
    package var isFinal: Bool
    package var opcode: Opcode
    package var payload: [UInt8]

    package init(_ opcode: Opcode, _ payload: [UInt8] = [], isFinal: Bool = true) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
    }

    /// - Parameter mask: four random bytes when a client sends, nil when a server does.
    package func encoded(mask: [UInt8]?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 14)
        bytes.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        let flag: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case ..<126: bytes.append(flag | UInt8(payload.count))
        case ..<65_536:
            bytes.append(flag | 126)
            bytes.append(UInt8(payload.count >> 8))
            bytes.append(UInt8(payload.count & 255))
        default:
            bytes.append(flag | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 255)) }
        }
        guard let mask, mask.count == 4 else { return bytes + payload }
        bytes += mask
        let start = bytes.count
        bytes += payload
        for index in payload.indices { bytes[start + index] ^= mask[index & 3] }
        return bytes
    }
}

/// A peer that does not keep to the protocol, and the code that closes the channel. Source: RFC 6455 section 7.4.
package struct WebSocketError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: UInt16
    package let description: String
    package init(_ code: UInt16, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// What a peer has said, fragments joined.
package enum WebSocketMessage: Equatable, Sendable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// 1005 stands for no code.
    case close(code: UInt16, reason: String)
}

/// Reads messages out of bytes. A value, without a socket.
package struct WebSocketParser: Sendable {
    package enum Role: Sendable { case client, server }
    private let role: Role
    private let messageBytesMax: Int
    private var queue = ByteQueue()
    private var partial: (opcode: WebSocketFrame.Opcode, bytes: [UInt8])?

    /// - Parameter role: whose reader this is: a server's takes masked frames only, a client's unmasked ones.
    package init(_ role: Role, messageBytesMax: Int = Limits.webSocketMessageBytesMax) {
        self.role = role
        self.messageBytesMax = messageBytesMax
    }

    package mutating func feed(_ bytes: [UInt8]) { queue.append(bytes) }

    /// The next whole message; nil when more bytes are needed.
    package mutating func next() throws(WebSocketError) -> WebSocketMessage? {
        while let frame = try frame() {
            switch frame.opcode {
            case .ping: return .ping(frame.payload)
            case .pong: return .pong(frame.payload)
            case .close: return try WebSocketParser.close(frame.payload)
            case .text, .binary:
                guard partial == nil else { throw WebSocketError(1002, "a message began inside another one") }
                if frame.isFinal { return try WebSocketParser.message(frame.opcode, frame.payload) }
                partial = (frame.opcode, frame.payload)
            case .continuation:
                guard case (let opcode, var bytes)? = partial else {
                    throw WebSocketError(1002, "a message has no beginning")
                }
                partial = nil
                guard bytes.count + frame.payload.count <= messageBytesMax else {
                    throw WebSocketError(1009, "a message is larger than \(messageBytesMax) bytes")
                }
                bytes += frame.payload
                if frame.isFinal { return try WebSocketParser.message(opcode, bytes) }
                partial = (opcode, bytes)
            }
        }
        return nil
    }

    private mutating func frame() throws(WebSocketError) -> WebSocketFrame? {
        let head = queue.peek { Array($0.prefix(14)) }
        guard head.count >= 2 else { return nil }
        guard head[0] & 0x70 == 0 else {
            throw WebSocketError(1002, "a frame uses an extension that was not agreed on")
        }
        guard let opcode = WebSocketFrame.Opcode(rawValue: head[0] & 15) else {
            throw WebSocketError(1002, "a frame has an unknown opcode")
        }
        let isMasked = head[1] & 0x80 != 0
        guard isMasked == (role == .server) else {
            throw WebSocketError(
                1002, role == .server ? "a client's frame is not masked" : "a server's frame is masked")
        }
        var offset = 2
        var count = UInt64(head[1] & 0x7F)
        if count >= 126 {
            let size = count == 126 ? 2 : 8
            guard head.count >= 2 + size else { return nil }
            count = head[2..<2 + size].reduce(0) { $0 << 8 | UInt64($1) }
            offset += size
        }
        let isFinal = head[0] & 0x80 != 0
        if opcode.isControl, !isFinal || count > Limits.webSocketControlBytesMax {
            throw WebSocketError(1002, "a control frame is too long or in fragments")
        }
        guard count <= messageBytesMax else {
            throw WebSocketError(1009, "a message is larger than \(messageBytesMax) bytes")
        }
        let total = offset + (isMasked ? 4 : 0) + Int(count)
        guard queue.count >= total else { return nil }
        queue.drop(offset)
        let mask = isMasked ? queue.take(most: 4) : []
        var payload = queue.take(most: Int(count))
        if isMasked { for index in payload.indices { payload[index] ^= mask[index & 3] } }
        return WebSocketFrame(opcode, payload, isFinal: isFinal)
    }

    private static func message(
        _ opcode: WebSocketFrame.Opcode, _ bytes: [UInt8]
    ) throws(WebSocketError) -> WebSocketMessage {
        guard opcode == .text else { return .binary(bytes) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw WebSocketError(1007, "a text message is not UTF-8")
        }
        return .text(text)
    }

    private static func close(_ payload: [UInt8]) throws(WebSocketError) -> WebSocketMessage {
        if payload.isEmpty { return .close(code: 1005, reason: "") }
        guard payload.count >= 2 else { throw WebSocketError(1002, "a close frame has half a code") }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard (1000...1014).contains(code) && ![1004, 1005, 1006].contains(code) || (3000...4999).contains(code) else {
            throw WebSocketError(1002, "a close frame has the code \(code)")
        }
        guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
            throw WebSocketError(1007, "the reason of a close frame is not UTF-8")
        }
        return .close(code: code, reason: reason)
    }
}
