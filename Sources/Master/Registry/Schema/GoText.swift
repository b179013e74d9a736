import Shared

extension String {
    /// The text in double quotes with Go's escapes (`%q`).
    var goQuoted: String {
        var result = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{7}": result += "\\a"
            case "\u{8}": result += "\\b"
            case "\u{B}": result += "\\v"
            case "\u{C}": result += "\\f"
            case let control where control.value < 0x20 || control.value == 0x7F:
                let digits = String(control.value, radix: 16)
                result += "\\x" + (digits.count < 2 ? "0" : "") + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension JSON {
    /// The value as JSON text.
    var encodedText: String {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Values as Go prints them (`%#v`), which is how a real server shows some in its errors.
enum GoText {
    /// `[]string{"a", "b"}`.
    static func strings(_ list: JSON, of type: String = "string") -> String {
        list.items.isEmpty
            ? "[]\(type)(nil)" : "[]\(type){\(list.items.map { ($0.string ?? "").goQuoted }.joined(separator: ", "))}"
    }
    /// `map[string]string{"a":"b"}`.
    static func map(_ members: JSON) -> String {
        let entries = members.strings.sorted { $0.key < $1.key }
        return entries.isEmpty
            ? "map[string]string(nil)"
            : "map[string]string{\(entries.map { "\($0.key.goQuoted):\($0.value.goQuoted)" }.joined(separator: ", "))}"
    }
    static func selector(_ selector: JSON) -> String {
        let type = "v1.LabelSelectorRequirement"
        let expressions = selector["matchExpressions"].items.map { one in
            let name = "Key:\((one["key"].string ?? "").goQuoted), Operator:\((one["operator"].string ?? "").goQuoted)"
            return "\(type){\(name), Values:\(strings(one["values"]))}"
        }
        let list = expressions.isEmpty ? "(nil)" : "{\(expressions.joined(separator: ", "))}"
        return "v1.LabelSelector{MatchLabels:\(map(selector["matchLabels"])), MatchExpressions:[]\(type)\(list)}"
    }
}
