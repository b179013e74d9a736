/// Columns and rows of a screen or of a part of it.
struct Size: Hashable, Sendable {
    var width: Int
    var height: Int
    init(_ width: Int, _ height: Int) {
        self.width = width
        self.height = height
    }
}

/// A part of the canvas, in cells from its upper left corner.
struct Area: Equatable, Sendable {
    var x: Int
    var y: Int
    var width: Int
    var height: Int
    init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = Swift.max(0, width)
        self.height = Swift.max(0, height)
    }
    func inset(by columns: Int, _ rows: Int) -> Area {
        Area(x: x + columns, y: y + rows, width: width - 2 * columns, height: height - 2 * rows)
    }
    /// The area without its first `rows`.
    func dropping(rows: Int) -> Area { Area(x: x, y: y + rows, width: width, height: height - rows) }
    func row(_ index: Int) -> Area { Area(x: x, y: y + index, width: width, height: 1) }
}

struct Cell: Equatable, Sendable {
    var character: Character
    var style: Style
    /// True for the right half of a wide character; its own character is not drawn.
    var isTail: Bool
    init(_ character: Character = " ", _ style: Style = .plain, isTail: Bool = false) {
        self.character = character
        self.style = style
        self.isTail = isTail
    }
}

/// One whole picture of the screen. Drawing outside is clipped; text is made safe on its way in.
struct Canvas: Equatable, Sendable {
    let size: Size
    private(set) var cells: [Cell]
    /// Where the terminal's cursor rests, such as in a prompt; nil hides it.
    var cursor: (x: Int, y: Int)?

    init(_ size: Size) {
        self.size = Size(max(0, size.width), max(0, size.height))
        cells = Array(repeating: Cell(), count: self.size.width * self.size.height)
    }
    var area: Area { Area(x: 0, y: 0, width: size.width, height: size.height) }

    static func == (left: Canvas, right: Canvas) -> Bool {
        left.size == right.size && left.cells == right.cells && left.cursor?.x == right.cursor?.x
            && left.cursor?.y == right.cursor?.y
    }

    subscript(x: Int, y: Int) -> Cell { cells[y * size.width + x] }

    /// Draws text from `x` to the right, at most up to the column `limit` (the canvas's edge when nil).
    /// - Returns: the column after the last one drawn.
    @discardableResult
    mutating func put(_ text: String, x: Int, y: Int, _ style: Style = .plain, limit: Int? = nil) -> Int {
        guard y >= 0, y < size.height else { return x }
        let end = min(limit ?? size.width, size.width)
        var column = x
        for character in SafeText.clean(text) {
            let width = Width.of(character)
            if column + width > end { break }
            if column >= 0 { set(character, width, column, y, style) }
            column += width
        }
        return column
    }

    @discardableResult
    mutating func put(_ line: Line, x: Int, y: Int, limit: Int? = nil) -> Int {
        var column = x
        for span in line { column = put(span.text, x: column, y: y, span.style, limit: limit) }
        return column
    }

    /// Draws text so that it ends before the column `end`.
    mutating func put(_ line: Line, endingAt end: Int, y: Int) { put(line, x: end - line.width, y: y, limit: end) }

    private mutating func set(_ character: Character, _ width: Int, _ x: Int, _ y: Int, _ style: Style) {
        let index = y * size.width + x
        breakWide(at: index, x)
        cells[index] = Cell(character, style)
        if width == 2 {
            breakWide(at: index + 1, x + 1)
            cells[index + 1] = Cell(" ", style, isTail: true)
        }
    }

    /// Overwriting one half of a wide character blanks the other.
    private mutating func breakWide(at index: Int, _ x: Int) {
        if cells[index].isTail, x > 0 { cells[index - 1].character = " " }
        if x + 1 < size.width, cells[index + 1].isTail { cells[index + 1].isTail = false }
        cells[index].isTail = false
    }

    mutating func fill(_ area: Area, _ style: Style, _ character: Character = " ") {
        for y in max(0, area.y)..<max(0, min(size.height, area.y + area.height), area.y) {
            for x in max(0, area.x)..<max(0, min(size.width, area.x + area.width), area.x) {
                set(character, 1, x, y, style)
            }
        }
    }

    /// Changes the background of what is already drawn, and adds marks.
    mutating func tint(_ area: Area, _ back: Style.Back, _ marks: Style.Marks = []) {
        for y in max(0, area.y)..<max(0, min(size.height, area.y + area.height), area.y) {
            for x in max(0, area.x)..<max(0, min(size.width, area.x + area.width), area.x) {
                let index = y * size.width + x
                cells[index].style = cells[index].style.on(back).with(marks)
            }
        }
    }

    /// A frame with rounded corners, or a heavy one, which tells the selected box without colour.
    mutating func box(_ area: Area, _ style: Style, isHeavy: Bool = false) {
        guard area.width >= 2, area.height >= 2 else { return }
        let glyphs = Array(isHeavy ? "┏━┓┃┗┛" : "╭─╮│╰╯")
        let right = area.x + area.width - 1
        let bottom = area.y + area.height - 1
        let bar = String(repeating: glyphs[1], count: area.width - 2)
        put(String(glyphs[0]) + bar + String(glyphs[2]), x: area.x, y: area.y, style)
        put(String(glyphs[4]) + bar + String(glyphs[5]), x: area.x, y: bottom, style)
        for y in area.y + 1..<max(area.y + 1, bottom) {
            put(String(glyphs[3]), x: area.x, y: y, style)
            put(String(glyphs[3]), x: right, y: y, style)
        }
    }

    /// The characters alone, a line per row without trailing spaces: what tests compare.
    var text: String {
        (0..<size.height).map { y in
            var line = ""
            for x in 0..<size.width where !self[x, y].isTail { line.append(self[x, y].character) }
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
