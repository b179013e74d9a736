/// Text from outside made fit for a terminal: nothing in it can move the cursor, change the screen or turn the
/// reading direction. What is replaced stays visible: `␛`, `<9B>`, `<U+202E>`, `\xFF`.
enum SafeText {
    /// Scalars kept of one cluster; the others are dropped, so that a stack of accents stays one cell of bounded size.
    static let clusterScalarsMax = 10

    static func clean(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = ""
        for character in text {
            if character.isASCII, let byte = character.asciiValue, byte >= 0x20, byte < 0x7F, character != "\r\n" {
                result.append(character)
            } else {
                append(character, to: &result)
            }
        }
        return result
    }

    /// A line of bytes as text: what is no UTF-8 shows as `\xNN`.
    static func decode(_ bytes: some Collection<UInt8>) -> String {
        let all = Array(bytes)
        if let text = String(validating: all, as: UTF8.self) { return text }
        var text = ""
        var valid: [UInt8] = []
        var index = 0
        while index < all.count {
            let length = sequenceLength(all, at: index)
            if length > 0 {
                valid.append(contentsOf: all[index..<index + length])
                index += length
            } else {
                text += String(decoding: valid, as: UTF8.self) + "\\x" + hex(UInt32(all[index]), digits: 2)
                valid.removeAll(keepingCapacity: true)
                index += 1
            }
        }
        return text + String(decoding: valid, as: UTF8.self)
    }

    /// Bytes of the well-formed sequence that starts here, 0 when there is none. Source: Unicode table 3-7.
    private static func sequenceLength(_ bytes: [UInt8], at index: Int) -> Int {
        let length: Int
        switch bytes[index] {
        case 0..<0x80: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF: length = 3
        case 0xF0...0xF4: length = 4
        default: return 0
        }
        guard index + length <= bytes.count else { return 0 }
        return String(validating: bytes[index..<index + length], as: UTF8.self) == nil ? 0 : length
    }

    private static func append(_ character: Character, to result: inout String) {
        if character == "\r\n" {
            result += "␍␊"
            return
        }
        let scalars = character.unicodeScalars
        let isEmoji = scalars.count > 1 && (scalars.first?.properties.isEmoji ?? false)
        var kept = 0
        var cluster = ""
        for scalar in scalars {
            if let shown = replacement(scalar, insideEmoji: isEmoji && kept > 0) {
                result += cluster + shown
                cluster = ""
            } else if kept < clusterScalarsMax {
                if cluster.isEmpty, Width.isCombining(scalar) { cluster.unicodeScalars.append("\u{25CC}") }
                cluster.unicodeScalars.append(scalar)
                kept += 1
            }
        }
        result += cluster
    }

    private static func replacement(_ scalar: Unicode.Scalar, insideEmoji: Bool) -> String? {
        switch scalar.value {
        case 9: return "    "
        case 0..<0x20: return Unicode.Scalar(0x2400 + scalar.value).map { String($0) } ?? "?"
        case 0x7F: return "␡"
        case 0x80...0x9F: return "<" + hex(scalar.value, digits: 2) + ">"
        case 0x200D where insideEmoji, 0xE0020...0xE007F where insideEmoji: return nil
        case 0xAD, 0x61C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F, 0x115F...0x1160, 0x3164, 0xFFA0:
            return "<U+" + hex(scalar.value, digits: 4) + ">"
        default: return nil
        }
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
