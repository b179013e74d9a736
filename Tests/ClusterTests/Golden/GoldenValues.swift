import Shared

/// A text of errors taken apart into the values that it shows and what is between them. The recorded server printed
/// values as Go writes them (`intstr.IntOrString{Type:0, …}`), newer ones as JSON.
struct GoldenValues {
    /// One more than there are values.
    private(set) var texts: [String] = []
    private(set) var values: [String] = []
    /// Two states of an object were laid side by side at the end, in a form that its library changes at will.
    private(set) var hadDifference = false

    private static let heads = ["Invalid value: ", "Unsupported value: ", "Duplicate value: "]

    init(_ whole: String) {
        // The library that writes differences puts spaces of another kind in, so that nobody relies on them.
        var text = whole.replacing("\u{A0}", with: " ")
        while let start = text.firstRange(of: "\n  core."),
            let end = text[start.upperBound...].firstRange(of: "\n  }\n")
        {
            text.removeSubrange(start.lowerBound..<end.upperBound)
            hadDifference = true
        }
        var rest = text[...]
        while let head = GoldenValues.heads.compactMap({ rest.firstRange(of: $0) }).min(by: {
            $0.lowerBound < $1.lowerBound
        }) {
            texts.append(String(rest[..<head.upperBound]))
            let value = GoldenValues.value(at: rest[head.upperBound...])
            values.append(String(value))
            rest = rest[value.endIndex...]
        }
        texts.append(String(rest))
    }

    /// Whether a shown value is one of Go: `[]string{"a"}`, `v1.LabelSelector{…}`, `map[string]string(nil)`.
    static func isGo(_ value: String) -> Bool {
        guard let first = value.first else { return false }
        if first == "[" { return value.hasPrefix("[]") && value.count > 2 }
        return first.isLetter && (value.contains("{") || value.contains("("))
    }

    /// The value that the text begins with: up to where all brackets and quotes are closed.
    private static func value(at text: Substring) -> Substring {
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        var index = text.startIndex
        while index < text.endIndex {
            let character = text[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted {
                if character == "\\" { isEscaped = true }
                if character == "\"" { isQuoted = false }
            } else {
                switch character {
                case "\"": isQuoted = true
                case "{", "(", "[": depth += 1
                case "}", ")",
                    "]" where depth > 0:
                    depth -= 1
                case ":", ",", "]": if depth == 0 { return text[..<index] }
                default: break
                }
            }
            index = text.index(after: index)
        }
        return text
    }
}
