import Shared

/// Lines that scroll and can be searched: the part that details, logs, help and plans share.
struct TextPane: Sendable {
    private(set) var lines: [Line] = []
    private(set) var offset = 0
    private(set) var column = 0
    private(set) var height = 1
    private(set) var search = Filter("")
    private(set) var matches: [Int] = []
    private(set) var match: Int?
    /// Stays at the end when lines are added.
    var follows = false

    mutating func show(_ lines: [Line], height: Int) {
        self.lines = lines
        self.height = max(1, height)
        find(moving: false)
        clamp()
    }

    /// Adds lines at the end: only these are searched.
    mutating func append(_ more: [Line], height: Int) {
        self.height = max(1, height)
        let start = lines.count
        lines += more
        if !search.isEmpty {
            matches += lines.indices.dropFirst(start).filter { search.matches(CollectionOfOne(lines[$0].text)) }
        }
        clamp()
    }

    /// The height changed, the lines did not.
    mutating func resize(height: Int) {
        guard height != self.height else { return }
        self.height = max(1, height)
        clamp()
    }

    mutating func setSearch(_ text: String) {
        search = Filter(text)
        find(moving: true)
    }

    private mutating func find(moving: Bool) {
        guard !search.isEmpty else {
            matches = []
            match = nil
            return
        }
        matches = lines.indices.filter { search.matches(CollectionOfOne(lines[$0].text)) }
        guard moving else { return }
        match = matches.firstIndex { $0 >= offset } ?? matches.indices.first
        showMatch()
    }

    private mutating func showMatch() {
        guard let match, matches.indices.contains(match) else { return }
        follows = false
        let line = matches[match]
        if line < offset || line >= offset + height { offset = line - height / 3 }
        clamp()
    }
    private mutating func clamp() {
        let last = max(0, lines.count - height)
        offset = follows ? last : max(0, min(offset, last))
    }

    /// True when the command was one of scrolling or searching.
    mutating func perform(_ command: Intent) -> Bool {
        switch command {
        case .up: scroll(-1)
        case .down: scroll(1)
        case .pageUp: scroll(-height)
        case .pageDown: scroll(height)
        case .top: scroll(-lines.count)
        case .bottom: scroll(lines.count)
        case .left: column = max(0, column - 8)
        case .right: column = min(column + 8, max(0, (lines.map(\.width).max() ?? 0) - 8))
        case .nextMatch, .previousMatch:
            guard !matches.isEmpty else { return true }
            match = ((match ?? -1) + (command == .nextMatch ? 1 : matches.count - 1) + matches.count) % matches.count
            showMatch()
        default: return false
        }
        return true
    }

    func availability(_ command: Intent) -> Availability {
        switch command {
        case .up, .down, .pageUp, .pageDown, .top, .bottom, .left, .right, .filter: .yes
        case .nextMatch, .previousMatch:
            search.isEmpty
                ? .no("Search for something first: / and a text.")
                : matches.isEmpty ? .no("Nothing matches /\(search.text).") : .yes
        default: .hidden
        }
    }

    private mutating func scroll(_ rows: Int) {
        offset += rows
        follows = false
        clamp()
    }

    /// `12/80  3 of 7 matches`.
    var position: Line {
        var line: Line = []
        if lines.count > height {
            line.append(Span("  \(min(lines.count, offset + height))/\(TextFit.grouped(lines.count))", .faint))
        }
        if !search.text.isEmpty {
            line.append(Span("  /\(search.text)", .warn))
            line.append(
                Span(
                    matches.isEmpty
                        ? " no match"
                        : " \((match ?? 0) + 1) of \(TextFit.count(matches.count, "match"))".replacing(
                            "matchs", with: "matches"), .faint))
        }
        return line
    }

    func draw(_ canvas: inout Canvas, _ area: Area) {
        for (row, line) in lines.dropFirst(offset).prefix(area.height).enumerated() {
            let y = area.y + row
            canvas.put(TextPane.shift(line, column), x: area.x, y: y, limit: area.x + area.width)
            guard !search.isEmpty else { continue }
            let text = line.text
            for range in search.ranges(in: text) {
                let start = Width.of(SafeText.clean(String(text.prefix(range.lowerBound)))) - column
                let width = Width.of(SafeText.clean(String(text.dropFirst(range.lowerBound).prefix(range.count))))
                canvas.tint(
                    Area(x: area.x + max(0, start), y: y, width: min(width, width + start), height: 1), .match, .bold)
            }
        }
        guard lines.count > area.height, area.height > 2 else { return }
        let size = max(1, area.height * area.height / lines.count)
        let top = (area.height - size) * offset / max(1, lines.count - area.height)
        for row in 0..<size { canvas.put("┃", x: area.x + area.width - 1, y: area.y + top + row, Style(.edge)) }
    }

    private static func shift(_ line: Line, _ columns: Int) -> Line {
        guard columns > 0 else { return line }
        var skip = columns
        return line.compactMap { span in
            let characters = SafeText.clean(span.text)
            var rest = Substring(characters)
            while skip > 0, let first = rest.first {
                skip -= Width.of(first)
                rest.removeFirst()
            }
            return rest.isEmpty ? nil : Span(String(rest), span.style)
        }
    }
}
