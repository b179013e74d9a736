/// Turns pictures into terminal output: the difference to the last one, as one piece of bytes.
///
/// An unchanged picture gives no bytes. More than one changed run is wrapped in synchronized output (mode 2026), so
/// that no half frame shows. Source: ECMA-48; terminal-wg synchronized output.
struct Painter {
    enum Charset: Sendable { case utf8, ascii }

    let palette: Palette
    let charset: Charset
    private var last: Canvas?
    private var pen: Style?
    private var cursorShows = false

    init(palette: Palette, charset: Charset = .utf8) {
        self.palette = palette
        self.charset = charset
    }

    /// Forgets what is on the screen: the next frame is drawn whole.
    mutating func forget() {
        last = nil
        pen = nil
        cursorShows = false
    }

    mutating func frame(_ canvas: Canvas) -> [UInt8] {
        let fresh = last.map { $0.size != canvas.size } ?? true
        var out = Output()
        var runs = 0
        if fresh {
            out.add("\u{1B}[0m\u{1B}[?25l\u{1B}[2J")
            pen = nil
            cursorShows = false
            runs = 2
        }
        let old = fresh ? Canvas(canvas.size) : last ?? Canvas(canvas.size)
        for y in 0..<canvas.size.height {
            var x = 0
            while x < canvas.size.width {
                if canvas[x, y] == old[x, y] {
                    x += 1
                    continue
                }
                if canvas[x, y].isTail, x > 0 { x -= 1 }
                runs += 1
                x = run(canvas, old, x, y, &out)
            }
        }
        placeCursor(canvas, moved: runs > 0, &out)
        last = canvas
        if out.bytes.isEmpty { return [] }
        return runs > 1 ? Output.begin + out.bytes + Output.end : out.bytes
    }

    /// Draws changed cells from (x, y); short stretches of unchanged ones are drawn again, which is cheaper than a jump.
    private mutating func run(_ canvas: Canvas, _ old: Canvas, _ start: Int, _ y: Int, _ out: inout Output) -> Int {
        var x = start
        var unchanged = 0
        var end = start
        for column in start..<canvas.size.width {
            if canvas[column, y] == old[column, y] {
                unchanged += 1
                if unchanged > 4 { break }
            } else {
                unchanged = 0
                end = column
            }
        }
        out.move(x, y)
        while x <= end {
            let cell = canvas[x, y]
            if pen != cell.style {
                out.add("\u{1B}[" + palette.parameters(cell.style) + "m")
                pen = cell.style
            }
            let isWide = x + 1 < canvas.size.width && canvas[x + 1, y].isTail
            let isUncertain = charset == .utf8 && Width.isUncertain(cell.character)
            if isUncertain, isWide {
                out.add("  ")
                out.move(x, y)
            }
            out.add(charset == .utf8 ? String(cell.character) : Painter.ascii(cell.character, isWide: isWide))
            x += isWide ? 2 : 1
            if isUncertain, x < canvas.size.width { out.move(x, y) }
        }
        return x
    }

    private mutating func placeCursor(_ canvas: Canvas, moved: Bool, _ out: inout Output) {
        let before = last?.cursor
        guard let cursor = canvas.cursor else {
            if cursorShows { out.add("\u{1B}[?25l") }
            cursorShows = false
            return
        }
        if moved || !cursorShows || before?.x != cursor.x || before?.y != cursor.y { out.move(cursor.x, cursor.y) }
        if !cursorShows { out.add("\u{1B}[?25h") }
        cursorShows = true
    }

    /// The nearest ASCII character for the few that the console draws itself; `?` for all others.
    static func ascii(_ character: Character, isWide: Bool) -> String {
        if character.isASCII { return String(character) }
        if isWide { return "??" }
        switch character {
        case "╭", "╮", "╰", "╯", "├", "┤", "┬", "┴", "┼", "└": return "+"
        case "┏", "┓", "┗", "┛": return "#"
        case "─", "–", "·": return "-"
        case "━": return "="
        case "│": return "|"
        case "┃": return "#"
        case "…": return "~"
        case "●": return "*"
        case "◐": return "o"
        case "○", "◌": return "."
        case "✗", "×": return "x"
        case "✓": return "+"
        case "▲", "↑": return "^"
        case "▼", "↓": return "v"
        case "▸", "›", "→": return ">"
        case "‹", "←": return "<"
        case "█", "▓", "■": return "#"
        case "░", "▱": return "."
        case "▰": return "#"
        case "◆", "◇": return "*"
        default: return "?"
        }
    }

    private struct Output {
        var bytes: [UInt8] = []
        static let begin = Array("\u{1B}[?2026h".utf8)
        static let end = Array("\u{1B}[?2026l".utf8)
        mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }
        mutating func move(_ x: Int, _ y: Int) { add("\u{1B}[\(y + 1);\(x + 1)H") }
    }
}
