/// Reads SPDY frames out of bytes. A value, without a socket. Data is handed on as it arrives, so that a frame of
/// 16 MiB needs no memory of that size.
package struct SPDYParser: Sendable {
    private var queue = ByteQueue()
    /// The data frame whose bytes are arriving.
    private var partial: (id: UInt32, left: Int, isLast: Bool)?

    package init() {}

    package mutating func feed(_ bytes: [UInt8]) { queue.append(bytes) }

    /// The next frame or part of a data frame; nil when more bytes are needed.
    package mutating func next() throws(SPDYError) -> SPDYFrame? {
        if let partial { return data(partial) }
        let head = queue.peek { Array($0.prefix(8)) }
        guard head.count == 8 else { return nil }
        let length = Int(head[5]) << 16 | Int(head[6]) << 8 | Int(head[7])
        let flags = head[4]
        guard head[0] & 0x80 != 0 else {
            queue.drop(8)
            let id = SPDYParser.number(head[0..<4]) & 0x7FFF_FFFF
            return data((id, length, flags & 1 != 0))
        }
        let version = UInt16(head[0] & 0x7F) << 8 | UInt16(head[1])
        guard version == 3 else { throw SPDYError("a frame has version \(version), not 3") }
        guard length <= Limits.spdyControlBytesMax else {
            throw SPDYError("a control frame is larger than \(Limits.spdyControlBytesMax) bytes")
        }
        guard queue.count >= 8 + length else { return nil }
        queue.drop(8)
        let body = queue.take(most: length)
        return try SPDYParser.control(UInt16(head[2]) << 8 | UInt16(head[3]), isLast: flags & 1 != 0, body)
    }

    private mutating func data(_ frame: (id: UInt32, left: Int, isLast: Bool)) -> SPDYFrame? {
        let bytes = queue.take(most: frame.left)
        let left = frame.left - bytes.count
        partial = left == 0 ? nil : (frame.id, left, frame.isLast)
        if bytes.isEmpty, left > 0 { return nil }
        return .data(id: frame.id, bytes: bytes, isLast: left == 0 && frame.isLast)
    }

    private static func control(_ type: UInt16, isLast: Bool, _ body: [UInt8]) throws(SPDYError) -> SPDYFrame {
        func needs(_ count: Int) throws(SPDYError) {
            guard body.count >= count else { throw SPDYError("a control frame of type \(type) is too short") }
        }
        switch type {
        case 1:
            try needs(10)
            return .synStream(id: id(body), headerBlock: Array(body[10...]), isLast: isLast)
        case 2:
            try needs(4)
            return .synReply(id: id(body), headerBlock: Array(body[4...]), isLast: isLast)
        case 3:
            try needs(8)
            return .reset(id: id(body), code: SPDYFrame.Reset(rawValue: number(body[4..<8])) ?? .internalError)
        case 6:
            try needs(4)
            return .ping(number(body[0..<4]))
        case 7:
            try needs(4)
            return .goAway(lastID: id(body))
        case 8:
            try needs(4)
            return .headers(id: id(body), headerBlock: Array(body[4...]), isLast: isLast)
        case 9:
            try needs(8)
            return .windowUpdate(id: id(body), bytes: number(body[4..<8]) & 0x7FFF_FFFF)
        default: return .other(type: type)
        }
    }

    private static func id(_ body: [UInt8]) -> UInt32 { number(body[0..<4]) & 0x7FFF_FFFF }
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
