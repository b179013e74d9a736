/// What Go's decoder says about a text that is not JSON. Only asked once reading has failed.
/// Source: Go `encoding/json/scanner.go`.
struct GoSyntax {
    private let bytes: [UInt8]
    private var position = 0
    private var open: [UInt8] = []

    private struct Complaint: Error { let text: String }

    /// `invalid character 'x' after top-level value`, `unexpected end of JSON input`; nil when Go would read the text.
    static func complaint(about bytes: [UInt8]) -> String? {
        var scanner = GoSyntax(bytes)
        do throws(Complaint) {
            try scanner.document()
            return nil
        } catch {
            return error.text
        }
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    private mutating func document() throws(Complaint) {
        repeat {
            try value()
            try close()
        } while !open.isEmpty
        if let byte = peek() { throw invalid(byte, "after top-level value") }
    }

    /// A value up to its end, or up to the start of the first value in it.
    private mutating func value() throws(Complaint) {
        while true {
            let byte = try next()
            switch byte {
            case UInt8(ascii: "{"):
                if peek() == UInt8(ascii: "}") {
                    position += 1
                    return
                }
                open.append(byte)
                try key()
            case UInt8(ascii: "["):
                if peek() == UInt8(ascii: "]") {
                    position += 1
                    return
                }
                open.append(byte)
            case UInt8(ascii: "\""): return try string()
            case UInt8(ascii: "t"): return try literal("true")
            case UInt8(ascii: "f"): return try literal("false")
            case UInt8(ascii: "n"): return try literal("null")
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(byte)
            default: throw invalid(byte, "looking for beginning of value")
            }
        }
    }

    /// What follows a value: the ends of what holds it, or the comma before the next.
    private mutating func close() throws(Complaint) {
        while let outer = open.last {
            let byte = try next()
            let isObject = outer == UInt8(ascii: "{")
            switch byte {
            case UInt8(ascii: ","):
                if isObject { try key() }
                return
            case UInt8(ascii: "}") where isObject, UInt8(ascii: "]") where !isObject: open.removeLast()
            default: throw invalid(byte, isObject ? "after object key:value pair" : "after array element")
            }
        }
    }

    private mutating func key() throws(Complaint) {
        let quote = try next()
        guard quote == UInt8(ascii: "\"") else { throw invalid(quote, "looking for beginning of object key string") }
        try string()
        let colon = try next()
        guard colon == UInt8(ascii: ":") else { throw invalid(colon, "after object key") }
    }

    private mutating func string() throws(Complaint) {
        while true {
            let byte = try raw()
            switch byte {
            case UInt8(ascii: "\""): return
            case UInt8(ascii: "\\"):
                let escape = try raw()
                if escape == UInt8(ascii: "u") {
                    for _ in 0..<4 {
                        let digit = try raw()
                        guard Character(Unicode.Scalar(digit)).isHexDigit else {
                            throw invalid(digit, "in \\u hexadecimal character escape")
                        }
                    }
                } else if !"bfnrt\\/\"".utf8.contains(escape) {
                    throw invalid(escape, "in string escape code")
                }
            case 0..<0x20: throw invalid(byte, "in string literal")
            default: break
            }
        }
    }

    private mutating func literal(_ word: StaticString) throws(Complaint) {
        let text = "\(word)"
        for expected in text.utf8.dropFirst() {
            let byte = try raw()
            guard byte == expected else {
                throw invalid(byte, "in literal \(text) (expecting \(GoSyntax.quoted(expected)))")
            }
        }
    }

    private mutating func number(_ first: UInt8) throws(Complaint) {
        var byte = first
        if byte == UInt8(ascii: "-") { byte = try digit("in numeric literal") }
        if byte != UInt8(ascii: "0") { digits() }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            _ = try digit("after decimal point in numeric literal")
            digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, "+-".utf8.contains(bytes[position]) { position += 1 }
            _ = try digit("in exponent of numeric literal")
            digits()
        }
    }
    private mutating func digit(_ place: String) throws(Complaint) -> UInt8 {
        let byte = try raw()
        guard GoSyntax.isDigit(byte) else { throw invalid(byte, place) }
        return byte
    }
    private mutating func digits() { while position < bytes.count, GoSyntax.isDigit(bytes[position]) { position += 1 } }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    // MARK: Bytes

    private mutating func peek() -> UInt8? {
        while position < bytes.count, " \t\r\n".utf8.contains(bytes[position]) { position += 1 }
        return position < bytes.count ? bytes[position] : nil
    }
    /// The next byte that is no white space.
    private mutating func next() throws(Complaint) -> UInt8 {
        _ = peek()
        return try raw()
    }
    private mutating func raw() throws(Complaint) -> UInt8 {
        guard position < bytes.count else { throw Complaint(text: "unexpected end of JSON input") }
        defer { position += 1 }
        return bytes[position]
    }
    private func invalid(_ byte: UInt8, _ place: String) -> Complaint {
        Complaint(text: "invalid character \(GoSyntax.quoted(byte)) \(place)")
    }
    private static func quoted(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "'"): "'\\''"
        case UInt8(ascii: "\""): "'\"'"
        default: "'" + String(String(Character(Unicode.Scalar(byte))).goQuoted.dropFirst().dropLast()) + "'"
        }
    }
}
