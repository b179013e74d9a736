extension YAML {
    /// The text of a value as `kubectl get -o yaml` prints it; ends with a line break.
    ///
    /// Members stand in their order, list items as far left as their key. Text that any common reader, YAML 1.1 or
    /// 1.2, would take for something else is quoted, so that it reads back unchanged everywhere.
    package static func emit(_ value: JSON) -> String {
        var bytes: [UInt8] = []
        emit(value, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Several documents, with `---` between them.
    package static func emit(_ values: [JSON]) -> String {
        var bytes: [UInt8] = []
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append("---\n") }
            emit(value, into: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func emit(_ value: JSON, into bytes: inout [UInt8]) {
        switch value {
        case .array(let items) where !items.isEmpty: emit(items, indent: 0, into: &bytes)
        case .object(let members) where !members.isEmpty: emit(members, indent: 0, into: &bytes)
        default:
            scalar(value, indent: 2, into: &bytes)
            bytes.append("\n")
        }
    }

    /// The cursor stands where the first item begins.
    private static func emit(_ items: [JSON], indent: Int, into bytes: inout [UInt8]) {
        for index in items.indices {
            if index > 0 { pad(indent, into: &bytes) }
            bytes.append("- ")
            switch items[index] {
            case .array(let inner) where !inner.isEmpty: emit(inner, indent: indent + 2, into: &bytes)
            case .object(let inner) where !inner.isEmpty: emit(inner, indent: indent + 2, into: &bytes)
            default:
                scalar(items[index], indent: indent + 2, into: &bytes)
                bytes.append("\n")
            }
        }
    }

    /// The cursor stands where the first key begins.
    private static func emit(_ members: JSON.Members, indent: Int, into bytes: inout [UInt8]) {
        for index in members.indices {
            if index > 0 { pad(indent, into: &bytes) }
            let (key, value) = members[index]
            emitKey(key, indent: indent, into: &bytes)
            bytes.append(":")
            switch value {
            case .array(let items) where !items.isEmpty:
                bytes.append("\n")
                pad(indent, into: &bytes)
                emit(items, indent: indent, into: &bytes)
            case .object(let inner) where !inner.isEmpty:
                bytes.append("\n")
                pad(indent + 2, into: &bytes)
                emit(inner, indent: indent + 2, into: &bytes)
            default:
                bytes.append(" ")
                scalar(value, indent: indent + 2, into: &bytes)
                bytes.append("\n")
            }
        }
    }

    private static func pad(_ count: Int, into bytes: inout [UInt8]) {
        bytes.append(contentsOf: repeatElement(0x20, count: count))
    }

    /// Keys longer than YAML allows on one line get the explicit form.
    private static func emitKey(_ key: String, indent: Int, into bytes: inout [UInt8]) {
        var text: [UInt8] = []
        quoteIfNeeded(key, into: &text)
        if text.count > 1000 {
            bytes.append("? ")
            bytes.append(contentsOf: text)
            bytes.append("\n")
            pad(indent, into: &bytes)
        } else {
            bytes.append(contentsOf: text)
        }
    }

    private static func scalar(_ value: JSON, indent: Int, into bytes: inout [UInt8]) {
        switch value {
        case .string(let text):
            if isBlockText(text) {
                block(text, indent: indent, into: &bytes)
            } else {
                quoteIfNeeded(text, into: &bytes)
            }
        case .array: bytes.append("[]")
        case .object: bytes.append("{}")
        case .double(let number): bytes.append(contentsOf: format(number).utf8)
        default: value.encode(into: &bytes)
        }
    }

    /// A float that YAML 1.1 readers take for one too: with a dot and a signed exponent.
    private static func format(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        var text = "\(value)"
        guard let mark = text.firstIndex(of: "e") else { return text }
        if !text[..<mark].contains(".") { text.insert(contentsOf: ".0", at: mark) }
        return text
    }

    // MARK: - Text

    /// Several lines that `|` shows as they are.
    private static func isBlockText(_ text: String) -> Bool {
        var hasBreak = false
        var previous: UInt8 = 0x0A
        var hasContent = false
        for byte in text.utf8 {
            switch byte {
            case 0x0A:
                // Space at the end of a line would be lost to the eye, and to some editors.
                if previous == 0x20 || previous == 0x09 { return false }
                hasBreak = true
            case 0x09: if !hasContent { return false }
            case 0..<0x20, 0x7F: return false
            default: hasContent = true
            }
            previous = byte
        }
        if !hasBreak || !hasContent || previous == 0x20 || previous == 0x09 { return false }
        return text.unicodeScalars.allSatisfy(isPrintable)
    }

    private static func block(_ text: String, indent: Int, into bytes: inout [UInt8]) {
        bytes.append("|")
        if let first = text.utf8.first, first == 0x20 || first == 0x0A { bytes.append("2") }
        var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true {
            lines.removeLast()
            if lines.last?.isEmpty == true { bytes.append("+") }
        } else {
            bytes.append("-")
        }
        for line in lines {
            bytes.append("\n")
            if line.isEmpty { continue }
            pad(indent, into: &bytes)
            bytes.append(contentsOf: line)
        }
    }

    /// Appends the text plain where every reader sees the same text, else in quotes.
    static func quoteIfNeeded(_ text: String, into bytes: inout [UInt8]) {
        if text.utf8.contains(0x0A) || !text.unicodeScalars.allSatisfy(isPrintable) {
            doubleQuote(text, into: &bytes)
        } else if looksLikeAnotherType(text) {
            // As the Go writer does: double quotes for what would change its type, single ones for signs.
            doubleQuote(text, into: &bytes)
        } else if !canBePlain(text) {
            bytes.append("'")
            for byte in text.utf8 {
                if byte == UInt8(ascii: "'") { bytes.append(byte) }
                bytes.append(byte)
            }
            bytes.append("'")
        } else {
            bytes.append(contentsOf: text.utf8)
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
        case 0x0A: true
        default: false
        }
    }

    private static func doubleQuote(_ text: String, into bytes: inout [UInt8]) {
        bytes.append("\"")
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes.append("\\\"")
            case "\\": bytes.append("\\\\")
            case "\n": bytes.append("\\n")
            case "\t": bytes.append("\\t")
            case "\r": bytes.append("\\r")
            case _ where isPrintable(scalar): bytes.append(contentsOf: String(Character(scalar)).utf8)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                bytes.append(digits.utf8.count <= 2 ? "\\x" : "\\u")
                let width = digits.utf8.count <= 2 ? 2 : 4
                bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, width - digits.utf8.count)))
                bytes.append(contentsOf: digits.utf8)
            }
        }
        bytes.append("\"")
    }

    private static func canBePlain(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return false }
        if first == 0x20 || last == 0x20 || last == UInt8(ascii: ":") { return false }
        switch first {
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
            if bytes.count == 1 || bytes[1] == 0x20 { return false }
            if bytes.starts(with: "---".utf8) { return false }
        case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"),
            UInt8(ascii: "#"), UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "|"),
            UInt8(ascii: ">"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "@"),
            UInt8(ascii: "`"):
            return false
        default: if bytes.starts(with: "...".utf8) { return false }
        }
        for index in bytes.indices.dropFirst() {
            if bytes[index] == 0x0A { return false }
            if bytes[index] == UInt8(ascii: "#"), bytes[index - 1] == 0x20 { return false }
            if bytes[index] == 0x20, bytes[index - 1] == UInt8(ascii: ":") { return false }
        }
        return first != 0x0A
    }

    private static let words: Set<String> = [
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=",
    ]

    /// Whether some reader of YAML 1.1 or 1.2 takes the plain text for a number, a boolean, null, a date or a time.
    private static func looksLikeAnotherType(_ text: String) -> Bool {
        if text.utf8.count <= 5, words.contains(text.lowercased()) { return true }
        if isSpecialFloat(text) { return true }
        let bytes = Array(text.utf8)
        let isSigned = bytes.first == UInt8(ascii: "+") || bytes.first == UInt8(ascii: "-")
        let digits = isSigned ? bytes.dropFirst() : bytes[...]
        guard let first = digits.first, isDigit(first) || (first == UInt8(ascii: ".") && digits.count > 1) else {
            return false
        }
        // Hexadecimal, octal and binary numbers.
        if first == UInt8(ascii: "0"), digits.count > 2, let base = digits.dropFirst().first,
            "xXoObB".utf8.contains(base),
            digits.dropFirst(2).allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit || $0 == UInt8(ascii: "_") })
        {
            return true
        }
        // Integers, floats, sexagesimal numbers, dates and times consist of these bytes only.
        return digits.allSatisfy { isDigit($0) || "_.:eE+-tTzZ ".utf8.contains($0) }
    }
}
