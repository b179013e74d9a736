/// Base64 with padding, and its form for URLs without. Source: RFC 4648 sections 4 and 5.
package enum Base64 {
    package static func encode(_ bytes: [UInt8]) -> String { encode(bytes, standard, isPadded: true) }
    /// The form for URLs: `-` and `_`, no padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String { encode(bytes, url, isPadded: false) }

    /// Reads the standard form; line breaks are skipped. Nil when the text is anything else.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var symbols = text.utf8.filter { $0 != 0x0A && $0 != 0x0D }
        guard symbols.count % 4 == 0 else { return nil }
        for _ in 0..<2 where symbols.last == UInt8(ascii: "=") { symbols.removeLast() }
        return decode(symbols, UInt8(ascii: "+"), UInt8(ascii: "/"))
    }
    /// Reads the form for URLs, with or without padding.
    package static func decodeURL(_ text: some StringProtocol) -> [UInt8]? {
        var symbols = Array(text.utf8)
        for _ in 0..<2 where symbols.last == UInt8(ascii: "=") { symbols.removeLast() }
        return decode(symbols, UInt8(ascii: "-"), UInt8(ascii: "_"))
    }

    private static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    private static let standard = Array((letters + "+/").utf8)
    private static let url = Array((letters + "-_").utf8)

    private static func encode(_ bytes: [UInt8], _ alphabet: [UInt8], isPadded: Bool) -> String {
        let size = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: size) { room in
            var count = 0
            var index = 0
            while index < bytes.count {
                let left = min(3, bytes.count - index)
                let second = left > 1 ? bytes[index + 1] : 0
                let third = left > 2 ? bytes[index + 2] : 0
                let group = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
                for place in 0..<4 {
                    if place <= left {
                        room[count] = alphabet[Int(group >> UInt32(18 - 6 * place) & 63)]
                    } else if isPadded {
                        room[count] = UInt8(ascii: "=")
                    } else {
                        continue
                    }
                    count += 1
                }
                index += 3
            }
            return count
        }
    }

    private static func decode(_ symbols: [UInt8], _ plus: UInt8, _ slash: UInt8) -> [UInt8]? {
        guard symbols.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(symbols.count / 4 * 3 + 2)
        var group: UInt32 = 0
        var bits = 0
        for symbol in symbols {
            let value: UInt8
            switch symbol {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = symbol - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = symbol - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = symbol - UInt8(ascii: "0") + 52
            case plus: value = 62
            case slash: value = 63
            default: return nil
            }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
                group &= (1 << UInt32(bits)) - 1
            }
        }
        return group == 0 ? bytes : nil
    }
}
