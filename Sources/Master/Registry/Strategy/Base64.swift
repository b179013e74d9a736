/// Standard base64 with padding. Source: RFC 4648 section 4; Go's `encoding/base64.StdEncoding`, which skips line breaks.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var word = UInt32(bytes[index]) << 16
            if count > 1 { word |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { word |= UInt32(bytes[index + 2]) }
            for place in 0..<4 {
                text.append(place <= count ? alphabet[Int(word >> (18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A text that is not base64.
    struct Corrupt: Error, Equatable {
        /// The first byte that does not fit, from 0.
        let offset: Int
    }

    static func decode(_ text: String) throws(Corrupt) -> [UInt8] {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var places = 0
        var padding = 0
        var offset = 0
        for byte in text.utf8 {
            defer { offset += 1 }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { continue }
            if byte == UInt8(ascii: "=") {
                padding += 1
                guard places + padding <= 4, places >= 2 else { throw Corrupt(offset: offset) }
                continue
            }
            guard padding == 0, let value = value(byte) else { throw Corrupt(offset: offset) }
            word = word << 6 | value
            places += 1
            if places == 4 {
                bytes += [
                    UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8),
                    UInt8(truncatingIfNeeded: word),
                ]
                (word, places) = (0, 0)
            }
        }
        guard places == 0 ? padding == 0 : places + padding == 4 else { throw Corrupt(offset: offset) }
        if places >= 2 { bytes.append(UInt8(truncatingIfNeeded: word >> (places == 2 ? 4 : 10))) }
        if places == 3 { bytes.append(UInt8(truncatingIfNeeded: word >> 2)) }
        return bytes
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
