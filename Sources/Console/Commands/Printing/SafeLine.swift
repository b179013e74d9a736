/// Text of strangers for a terminal. Pure.
enum SafeLine {
    /// Escapes what a terminal would obey: control characters but line breaks and tabs. Source: CVE-2021-25743.
    static func clean(_ text: String, keepsLines: Bool = false) -> String {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
        if isPlain { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where keepsLines, "\t" where keepsLines: result.unicodeScalars.append(scalar)
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\u{1B}": result += "^["
            case let control where control.value < 0x20 || (0x7F...0x9F).contains(control.value):
                result += "\\u{" + String(control.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
