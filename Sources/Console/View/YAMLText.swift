import Shared

/// An object as YAML for reading: two spaces, block style, coloured. Strings are quoted where a reader of YAML would
/// take them for something else, so that the text can be edited and read back.
enum YAMLText {
    static func lines(_ json: JSON) -> [Line] {
        var lines: [Line] = []
        write(json, indent: 0, lead: [], into: &lines)
        return lines
    }

    private static func write(_ json: JSON, indent: Int, lead: Line, into lines: inout [Line]) {
        let pad = String(repeating: " ", count: indent)
        switch json {
        case .object(let members) where !members.isEmpty:
            var lead = lead
            for (key, value) in members {
                let head: Line = (lead.isEmpty ? [Span(pad)] : lead) + [Span(quoted(key), .accent), Span(":", .faint)]
                lead = []
                pair(head, value, indent: indent, into: &lines)
            }
        case .array(let items) where !items.isEmpty:
            var lead = lead
            for item in items {
                let head: Line = (lead.isEmpty ? [Span(pad)] : lead) + [Span("- ", .faint)]
                lead = []
                if case .string(let text) = item, isBlock(text) {
                    block(text, head, indent: indent + 2, into: &lines)
                } else {
                    write(item, indent: indent + 2, lead: head, into: &lines)
                }
            }
        default: lines.append((lead.isEmpty ? [Span(pad)] : lead) + [scalar(json)])
        }
    }

    private static func pair(_ head: Line, _ value: JSON, indent: Int, into lines: inout [Line]) {
        switch value {
        case .object(let members) where !members.isEmpty:
            lines.append(head)
            write(value, indent: indent + 2, lead: [], into: &lines)
        case .array(let items) where !items.isEmpty:
            lines.append(head)
            write(value, indent: indent, lead: [], into: &lines)
        case .string(let text) where isBlock(text): block(text, head + [Span(" ")], indent: indent + 2, into: &lines)
        default: lines.append(head + [Span(" "), scalar(value)])
        }
    }

    private static func isBlock(_ text: String) -> Bool {
        text.contains("\n") && text.first.map { $0 != " " && $0 != "\n" } ?? false && !text.contains("\r")
            && text.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || $0.value >= 0x20 }
    }

    private static func block(_ text: String, _ head: Line, indent: Int, into lines: inout [Line]) {
        var body = text.split(separator: "\n", omittingEmptySubsequences: false)
        var chomp = "-"
        if body.last == "" {
            body.removeLast()
            chomp = body.last == "" ? "+" : ""
        }
        lines.append(head + [Span("|" + chomp, .faint)])
        let pad = String(repeating: " ", count: indent)
        for line in body { lines.append([Span(line.isEmpty ? "" : pad + line)]) }
    }

    private static func scalar(_ json: JSON) -> Span {
        switch json {
        case .string(let text): Span(quoted(text))
        case .bool, .null: Span(json.text, .busy)
        case .int, .double: Span(json.text, .warn)
        case .object: Span("{}", .faint)
        case .array: Span("[]", .faint)
        }
    }

    /// Plain when the text reads back as the same string, else in double quotes.
    private static func quoted(_ text: String) -> String {
        let special: Set<String> = [
            "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", "---", "...",
        ]
        let starts = "!&*-?|>@`\"'%#,[]{}:=<.+0123456789 "
        let plainDash = text.hasPrefix("-") && text.dropFirst().first.map { $0.isLetter } ?? false
        let plainStart = text.first.map { !starts.contains($0) } ?? false
        let isAddress =
            text.first?.isNumber ?? false && text.contains { $0.isLetter || $0 == "/" || $0 == "-" }
            && !isNumberLike(text)
            || text.split(separator: ".").count == 4 && text.allSatisfy { $0.isNumber || $0 == "." }
        if plainStart || isAddress || plainDash, !special.contains(text.lowercased()), !text.contains(": "),
            !text.contains(" #"),
            !text.hasSuffix(":"), !text.hasSuffix(" "),
            text.unicodeScalars.allSatisfy({
                $0.value >= 0x20 && $0.value != 0x7F && !(0x80...0xA0).contains($0.value) && $0.value < 0xFFFE
            })
        {
            return text
        }
        return JSON.string(text).text
    }

    /// Forms that YAML 1.1 or 1.2 read as numbers or times: digits with `e`, `x`, `o`, `_`, `:` or a date.
    private static func isNumberLike(_ text: String) -> Bool {
        text.allSatisfy { $0.isHexDigit || "+-.eExXoO_:TZ".contains($0) }
    }
}
