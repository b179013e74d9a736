extension YAML {
    static let coreTag = "tag:yaml.org,2002:"

    /// The value of an untyped plain scalar: core schema (YAML 1.2.2, 10.3.2) plus octal numbers such as `0644`.
    static func resolve(_ text: String) -> JSON {
        let bytes = Array(text.utf8)
        guard let first = bytes.first else { return .null }
        switch first {
        case UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"):
            return text == "~" || text == "null" || text == "Null" || text == "NULL" ? .null : .string(text)
        case UInt8(ascii: "t"), UInt8(ascii: "T"):
            return text == "true" || text == "True" || text == "TRUE" ? .bool(true) : .string(text)
        case UInt8(ascii: "f"), UInt8(ascii: "F"):
            return text == "false" || text == "False" || text == "FALSE" ? .bool(false) : .string(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(text, bytes) ?? .string(text)
        default: return .string(text)
        }
    }

    static func isSpecialFloat(_ text: String) -> Bool {
        let word = text.drop(while: { $0 == "+" || $0 == "-" })
        return [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(where: { $0 == word })
    }

    private static func number(_ text: String, _ bytes: [UInt8]) -> JSON? {
        let sign = bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-") ? 1 : 0
        let digits = bytes[sign...]
        guard let first = digits.first else { return nil }
        if digits.allSatisfy({ isDigit($0) }) {
            if first == UInt8(ascii: "0"), digits.count > 1, digits.allSatisfy({ $0 < UInt8(ascii: "8") }),
                let value = Int64(text, radix: 8)
            {
                return .int(value)
            }
            if let value = Int64(text) { return .int(value) }
            return Double(text).map(JSON.double)
        }
        if first == UInt8(ascii: "0"), digits.count > 2, sign == 0 {
            let rest = String(decoding: digits.dropFirst(2), as: UTF8.self)
            let isUnsigned = bytes[2] != UInt8(ascii: "+") && bytes[2] != UInt8(ascii: "-")
            if bytes[1] == UInt8(ascii: "x"), isUnsigned { return Int64(rest, radix: 16).map(JSON.int) }
            if bytes[1] == UInt8(ascii: "o"), isUnsigned { return Int64(rest, radix: 8).map(JSON.int) }
        }
        guard isFloat(digits), let value = Double(text), value.isFinite else { return nil }
        return .double(value)
    }

    /// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
    private static func isFloat(_ digits: ArraySlice<UInt8>) -> Bool {
        var rest = digits
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            let fraction = rest.prefix(while: isDigit)
            if whole.isEmpty, fraction.isEmpty { return false }
            rest = rest.dropFirst(fraction.count)
        } else if whole.isEmpty {
            return false
        }
        guard let next = rest.first else { return true }
        guard next == UInt8(ascii: "e") || next == UInt8(ascii: "E") else { return false }
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
