/// One frame of SPDY/3.1, the protocol that kubectl multiplexes exec, attach and port-forward with. A value; the
/// header block is still compressed. Source: draft-mbelshe-httpbis-spdy-00 section 2, SPDY/3.1 draft.
package enum SPDYFrame: Equatable, Sendable {
    /// Opens a stream. `isLast`: the sender will send nothing on it.
    case synStream(id: UInt32, headerBlock: [UInt8], isLast: Bool)
    case synReply(id: UInt32, headerBlock: [UInt8], isLast: Bool)
    case reset(id: UInt32, code: Reset)
    case ping(UInt32)
    /// The sender takes no more streams; `lastID` is the last that it has taken.
    case goAway(lastID: UInt32)
    case headers(id: UInt32, headerBlock: [UInt8], isLast: Bool)
    /// Flow control, which Kubernetes's clients neither obey nor send; the bytes of the connection are the window.
    case windowUpdate(id: UInt32, bytes: UInt32)
    /// A data frame, or the next part of one; `isLast` stands at the end of the stream only.
    case data(id: UInt32, bytes: [UInt8], isLast: Bool)
    /// A control frame without meaning here, such as SETTINGS.
    case other(type: UInt16)

    /// Why a stream is ended at once. Source: section 2.6.3.
    package enum Reset: UInt32, Sendable {
        case protocolError = 1
        case invalidStream = 2
        case refused = 3
        case unsupportedVersion = 4
        case cancel = 5
        case internalError = 6
        case flowControl = 7
    }

    /// The bytes of the frame. Parts above 16 MiB do not exist here: data is cut to `Limits.spdyDataBytes` before.
    package var encoded: [UInt8] {
        switch self {
        case .synStream(let id, let block, let isLast):
            // Associated stream 0, priority 0, slot 0.
            return SPDYFrame.control(1, flags: isLast ? 1 : 0, SPDYFrame.number(id) + [0, 0, 0, 0, 0, 0] + block)
        case .synReply(let id, let block, let isLast):
            return SPDYFrame.control(2, flags: isLast ? 1 : 0, SPDYFrame.number(id) + block)
        case .reset(let id, let code):
            return SPDYFrame.control(3, flags: 0, SPDYFrame.number(id) + SPDYFrame.number(code.rawValue))
        case .ping(let id): return SPDYFrame.control(6, flags: 0, SPDYFrame.number(id))
        case .goAway(let lastID): return SPDYFrame.control(7, flags: 0, SPDYFrame.number(lastID) + [0, 0, 0, 0])
        case .headers(let id, let block, let isLast):
            return SPDYFrame.control(8, flags: isLast ? 1 : 0, SPDYFrame.number(id) + block)
        case .windowUpdate(let id, let bytes):
            return SPDYFrame.control(9, flags: 0, SPDYFrame.number(id) + SPDYFrame.number(bytes))
        case .data(let id, let bytes, let isLast):
            return SPDYFrame.number(id & 0x7FFF_FFFF) + SPDYFrame.length(bytes.count, flags: isLast ? 1 : 0) + bytes
        case .other(let type): return SPDYFrame.control(type, flags: 0, [])
        }
    }

    private static func control(_ type: UInt16, flags: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0x80, 3, UInt8(type >> 8), UInt8(type & 255)] + length(body.count, flags: flags) + body
    }
    private static func length(_ count: Int, flags: UInt8) -> [UInt8] {
        [flags, UInt8(truncatingIfNeeded: count >> 16), UInt8(truncatingIfNeeded: count >> 8)]
            + [UInt8(truncatingIfNeeded: count)]
    }
    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
}

/// A peer that does not keep to SPDY; the session ends.
package struct SPDYError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
