/// A text that is not JSON: what was wrong, and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package let message: String
    /// Byte offset of the place, from 0.
    package let offset: Int
    package var description: String { "invalid JSON at byte \(offset): \(message)" }
}

/// What the reader saw besides the value.
package struct JSONNotes: Equatable, Sendable {
    /// Paths (`a[0].b`) of members that were written twice in one object; the last one counts. At most
    /// `Limits.duplicatesNotedMax`. Source: `fieldValidation=Strict`.
    package var duplicates: [String] = []

    package init() {}
}

extension JSON {
    /// Reads one JSON value, surrounded by white space at most. Source: RFC 8259.
    ///
    /// Bounds: `Limits.nestingMax` levels. Bytes that are not UTF-8 become U+FFFD, as in Go.
    package init(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
        var notes = JSONNotes()
        try self.init(parsing: bytes, notes: &notes)
    }
    package init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }

    package init(parsing bytes: some Sequence<UInt8>, notes: inout JSONNotes) throws(JSONError) {
        let array = (bytes as? [UInt8]) ?? Array(bytes)
        let result: Result<(JSON, JSONNotes), JSONError> = array.withUnsafeBufferPointer { buffer in
            var reader = JSONReader(bytes: buffer)
            do throws(JSONError) {
                let value = try reader.document()
                return .success((value, reader.notes))
            } catch {
                return .failure(error)
            }
        }
        (self, notes) = try result.get()
    }
}

/// Reads JSON from a buffer that outlives it.
struct JSONReader {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    var depth = 0
    var notes = JSONNotes()
    /// Members and items of all objects and lists that are still open, so that each gets memory once, when its size is
    /// known.
    private var members: ContiguousArray<JSON.Members.Member> = []
    private var items: ContiguousArray<JSON> = []

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSON {
        skipSpace()
        let value = try value()
        skipSpace()
        if position < bytes.count { throw fail("something follows the value") }
        return value
    }

    mutating func value() throws(JSONError) -> JSON {
        guard let byte = peek() else { throw fail("a value is missing") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fail("unexpected \(Self.show(byte))")
        }
    }

    private mutating func object() throws(JSONError) -> JSON {
        try enter()
        defer { depth -= 1 }
        position += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(JSON.Members()) }
        let start = members.count
        var seen: Set<String> = []
        while true {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else { throw fail("a member name in quotes is missing") }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fail("':' is missing after the member name") }
            skipSpace()
            let noted = notes.duplicates.count
            let value = try value()
            if notes.duplicates.count > noted { prefixNotes(from: noted, with: key) }
            // A hostile object with very many members must not cost quadratic time.
            if members.count - start == 32, seen.isEmpty { seen = Set(members[start...].map(\.key)) }
            let isNew = seen.isEmpty ? member(key, from: start) == nil : seen.insert(key).inserted
            if !isNew, let index = member(key, from: start) {
                if notes.duplicates.count < Limits.duplicatesNotedMax { notes.duplicates.append(key) }
                members[index].value = value
            } else {
                members.append((key, value))
            }
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw fail("',' or '}' is missing after a member") }
            defer { members.removeSubrange(start...) }
            return .object(JSON.Members(unique: members[start...]))
        }
    }

    /// Where the open object whose members begin at `start` has the member `key`.
    private func member(_ key: String, from start: Int) -> Int? {
        var index = start
        while index < members.count {
            if members[index].key == key { return index }
            index += 1
        }
        return nil
    }

    private mutating func array() throws(JSONError) -> JSON {
        try enter()
        defer { depth -= 1 }
        position += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        let start = items.count
        while true {
            skipSpace()
            let noted = notes.duplicates.count
            let value = try value()
            if notes.duplicates.count > noted { prefixNotes(from: noted, with: "[\(items.count - start)]") }
            items.append(value)
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw fail("',' or ']' is missing after an item") }
            defer { items.removeSubrange(start...) }
            return .array(Array(items[start...]))
        }
    }

    /// Says where the notes from `start` on were made. Texts rarely have any, so that no path is kept while reading.
    private mutating func prefixNotes(from start: Int, with step: String) {
        for index in start..<notes.duplicates.count {
            let rest = notes.duplicates[index]
            notes.duplicates[index] = rest.hasPrefix("[") ? step + rest : "\(step).\(rest)"
        }
    }

    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                defer { position += 1 }
                return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { throw fail("a control character stands unescaped in a string") }
            position += 1
        }
        throw fail("a string is not closed")
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<position])
        while let byte = peek() {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw fail("a control character stands unescaped in a string")
            default: text.append(byte)
            }
        }
        throw fail("a string is not closed")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = peek() else { throw fail("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var code = try hex()
            if (0xD800..<0xDC00).contains(code), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                let before = position
                position += 2
                let low = try hex()
                if (0xDC00..<0xE000).contains(low) {
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    position = before
                }
            }
            let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
            text.append(contentsOf: Array(String(scalar).utf8))
        default:
            position -= 1
            throw fail("\\\(Self.show(byte)) is not an escape")
        }
    }

    private mutating func hex() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw fail("\\u needs four hexadecimal digits") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw fail("\\u needs four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        let negative = take(UInt8(ascii: "-"))
        let whole = position
        var value: Int64 = 0
        var fits = true
        while let byte = peek(), Self.isDigit(byte) {
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (sum, overSum) =
                negative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
            fits = fits && !over && !overSum
            value = sum
            position += 1
        }
        if position == whole { throw fail("a number needs a digit") }
        if bytes[whole] == UInt8(ascii: "0"), position > whole + 1 { throw fail("a number can not start with 0") }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if let byte = peek(), byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            isWhole = false
            position += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        if isWhole, fits { return .int(value) }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        guard let double = Double(text), double.isFinite else {
            throw fail("the number \(text.prefix(40)) is too large")
        }
        return .double(double)
    }

    private mutating func digits() throws(JSONError) {
        guard let byte = peek(), Self.isDigit(byte) else { throw fail("a number needs a digit") }
        while let byte = peek(), Self.isDigit(byte) { position += 1 }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        guard position + text.utf8CodeUnitCount <= bytes.count else { throw fail("unexpected end") }
        for offset in 0..<text.utf8CodeUnitCount where bytes[position + offset] != text.utf8Start[offset] {
            throw fail("unexpected \(Self.show(bytes[position]))")
        }
        position += text.utf8CodeUnitCount
        return value
    }

    mutating func enter() throws(JSONError) {
        depth += 1
        if depth > Limits.nestingMax { throw fail("more than \(Limits.nestingMax) levels are nested") }
    }
    func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }
    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }
    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }
    func fail(_ message: String) -> JSONError { JSONError(message: message, offset: position) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func show(_ byte: UInt8) -> String {
        (0x21..<0x7F).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
    }
}
