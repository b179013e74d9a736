import Shared

/// Fitting text into a number of cells.
enum TextFit {
    enum Cut { case end, middle }

    /// The text, cut with `…` when it is wider than `width`. A cut in the middle keeps the unique tail of a name.
    static func cut(_ text: String, to width: Int, _ cut: Cut = .end) -> String {
        let text = SafeText.clean(text)
        guard Width.of(text) > width else { return text }
        guard width > 0 else { return "" }
        switch cut {
        case .end: return prefix(text, width - 1) + "…"
        case .middle:
            let tail = min((width - 1) / 2, 8)
            return prefix(text, width - 1 - tail) + "…" + suffix(text, tail)
        }
    }

    /// Cut or padded with spaces to exactly `width` cells.
    static func pad(_ text: String, to width: Int, alignRight: Bool = false, _ how: Cut = .end) -> String {
        let text = cut(text, to: width, how)
        let space = String(repeating: " ", count: max(0, width - Width.of(text)))
        return alignRight ? space + text : text + space
    }

    static func prefix(_ text: String, _ width: Int) -> String {
        var used = 0
        return String(
            text.prefix { character in
                used += Width.of(character)
                return used <= width
            })
    }
    private static func suffix(_ text: String, _ width: Int) -> String {
        var used = 0
        return String(
            text.reversed().prefix { character in
                used += Width.of(character)
                return used <= width
            }.reversed())
    }

    /// Lines of at most `width` cells, broken at spaces where there are any.
    static func wrap(_ text: String, to width: Int) -> [String] {
        guard width > 0 else { return [] }
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            for word in SafeText.clean(String(paragraph)).split(separator: " ", omittingEmptySubsequences: false) {
                var word = String(word)
                if !line.isEmpty, Width.of(line) + 1 + Width.of(word) > width {
                    lines.append(line)
                    line = ""
                } else if !line.isEmpty {
                    line += " "
                }
                while Width.of(word) > width - Width.of(line) {
                    let head = prefix(word, width - Width.of(line))
                    if head.isEmpty { break }
                    lines.append(line + head)
                    line = ""
                    word.removeFirst(head.count)
                }
                line += word
            }
            lines.append(line)
        }
        return lines
    }

    /// An age such as `2m3s`; `–` when the start is not known.
    static func age(since start: Timestamp?, _ now: Timestamp) -> String {
        start.map { (max($0, now) - $0).human } ?? "–"
    }

    /// `1 pod`, `2 pods`.
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// Number with thousands separated: `12,345`.
    static func grouped(_ number: Int) -> String {
        let digits = String(abs(number))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    /// Local clock time is the terminal user's: `14:30:02`.
    static func clock(_ time: Timestamp, zoneSeconds: Int) -> String {
        let second = Int(((time.seconds + Int64(zoneSeconds)) % 86_400 + 86_400) % 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
    }
}
