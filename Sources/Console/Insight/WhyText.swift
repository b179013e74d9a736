import Shared

/// An explanation as lines, for the screen and for the command line. Pure.
enum WhyText {
    struct Row: Equatable, Sendable {
        let line: Line
        var target: Target?
    }

    /// - Parameter log: the last lines of the log that may tell more.
    static func rows(_ why: Why, now: Timestamp, width: Int, log: [String] = []) -> [Row] {
        var rows: [Row] = [
            Row(
                line: [
                    Span(" \(why.target.text)", .strong), Span("  \(why.headline)", Style(why.tone, .bold)),
                ]), Row(line: []),
        ]
        if why.chain.isEmpty {
            let isWell = why.tone == .good || why.tone == .done || why.tone == .text
            rows.append(
                Row(
                    line: [
                        Span(isWell ? " ● " : " · ", isWell ? .good : .faint),
                        Span(
                            isWell
                                ? "Nothing is wrong with it, as far as the cluster tells."
                                : "The cluster tells no cause (yet)."),
                    ]))
        }
        for (index, fact) in why.chain.enumerated() {
            let lead = index == 0 ? "" : String(repeating: "  ", count: min(index - 1, 6)) + "└ "
            let head: Line = [
                Span(" \(index + 1) ", .faint), Span(index == 0 ? "ROOT " : "     ", Style(.bad, .bold)),
                Span(lead, .edge),
            ]
            rows += self.rows(head, fact, now: now, width: width)
        }
        func section(_ title: String, _ body: [Row]) {
            if !body.isEmpty { rows += [Row(line: []), Row(line: [Span(" \(title)", .heading)])] + body }
        }
        section(
            "Also true, but not the cause",
            why.also.flatMap { self.rows([Span("   · ", .faint)], $0, now: now, width: width) })
        section(
            "What to do",
            why.advice.flatMap { text in
                hang([Span("   → ", .accent)], text, .text, width).map { Row(line: $0) }
            })
        section(
            why.log.map { "Last lines of container \($0.container)\($0.isPrevious ? ", the run before" : "")" }
                ?? "Last lines",
            log.map { Row(line: [Span("   │ ", .edge), Span(TextFit.cut($0, to: max(10, width - 6)))]) })
        section(
            "What could not be seen",
            why.unseen.flatMap { text in hang([Span("   ? ", .warn)], text, .faint, width).map { Row(line: $0) } })
        return rows
    }

    private static func rows(_ head: Line, _ fact: Why.Fact, now: Timestamp, width: Int) -> [Row] {
        var tail = fact.isCertain ? "" : "  likely"
        if !fact.source.isEmpty { tail += "  \(fact.source)" }
        if let time = fact.time { tail += ", \(TextFit.age(since: time, now)) ago" }
        let lines = hang(head, fact.text, fact.tone, width)
        return lines.enumerated().map { index, line in
            var line = line
            if index == lines.count - 1 {
                if line.width + Width.of(tail) <= width { line.append(Span(tail, .faint)) }
            }
            return Row(line: line, target: index == 0 ? fact.target : nil)
        }
    }

    /// Text behind a head, further lines below its beginning.
    private static func hang(_ head: Line, _ text: String, _ tone: Style.Tone, _ width: Int) -> [Line] {
        let indent = head.width
        let parts = TextFit.wrap(text, to: max(20, width - indent))
        return parts.enumerated().map { index, part in
            (index == 0 ? head : [Span(String(repeating: " ", count: indent))]) + [Span(part, tone)]
        }
    }
}
