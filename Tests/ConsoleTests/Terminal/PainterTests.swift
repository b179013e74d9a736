import Testing

@testable import Console

struct PainterTests {
    private func canvas(_ lines: String...) -> Canvas {
        var canvas = Canvas(Size(20, 4))
        for (row, line) in lines.enumerated() { canvas.put(line, x: 0, y: row) }
        return canvas
    }

    @Test func `an unchanged frame is no bytes`() {
        var painter = Painter(palette: Palette(.full))
        _ = painter.frame(canvas("hello"))
        let again = painter.frame(canvas("hello"))
        #expect(again.isEmpty)
    }

    @Test(arguments: [Palette.Depth.mono, .eight, .sixteen, .indexed, .full])
    func `one changed cell is at most 64 bytes`(depth: Palette.Depth) {
        var painter = Painter(palette: Palette(depth))
        _ = painter.frame(canvas("hello"))
        var next = canvas("hallo")
        next.tint(Area(x: 1, y: 0, width: 1, height: 1), .selected, [.bold, .underline])
        let bytes = painter.frame(next)
        #expect((1...64).contains(bytes.count))
    }

    @Test func `a frame of several changes is synchronized and never clears`() {
        var painter = Painter(palette: Palette(.mono))
        _ = painter.frame(canvas("hello", "world", "again"))
        let text = String(decoding: painter.frame(canvas("Hello", "world", "Again")), as: UTF8.self)
        #expect(text == "\u{1B}[?2026h\u{1B}[1;1HH\u{1B}[3;1HA\u{1B}[?2026l")
    }

    @Test func `a full repaint at 250 by 60 stays below 60 kB`() {
        var canvas = Canvas(Size(250, 60))
        for row in 0..<60 {
            for column in 0..<25 {
                canvas.put("default   ", x: column * 10, y: row, Style(column % 2 == 0 ? .good : .text))
            }
        }
        var painter = Painter(palette: Palette(.indexed))
        let bytes = painter.frame(canvas)
        #expect(bytes.count < 60_000)
    }

    @Test func `the cursor is placed by hand after a cluster of uncertain width`() {
        var painter = Painter(palette: Palette(.mono))
        _ = painter.frame(Canvas(Size(20, 4)))
        let text = String(decoding: painter.frame(canvas("👨‍👩‍👧x")), as: UTF8.self)
        #expect(text.contains("\u{1B}[1;3Hx"))
    }

    @Test func `without UTF-8 all is ASCII`() {
        var painter = Painter(palette: Palette(.mono), charset: .ascii)
        var canvas = Canvas(Size(20, 4))
        canvas.box(canvas.area, .plain)
        canvas.put("日本 ● web…", x: 2, y: 1)
        let bytes = painter.frame(canvas)
        #expect(bytes.allSatisfy { $0 < 0x80 })
        #expect(String(decoding: bytes, as: UTF8.self).contains("???? * web~"))
    }

    @Test(arguments: [
        (["NO_COLOR": "1", "TERM": "xterm-256color"], Palette.Depth.mono),
        (["COLORTERM": "truecolor", "TERM": "xterm"], .full),
        (["TERM": "xterm-256color"], .indexed), (["TERM": "linux"], .eight),
        (["NO_COLOR": "", "TERM": "vt100"], .eight),
    ])
    func `colours follow the environment`(environment: [String: String], depth: Palette.Depth) {
        #expect(Palette.depth(environment: environment, terminfoColors: 8) == depth)
    }

    @Test func `giving the terminal back is one short text`() {
        #expect(Restore.leave.utf8.count <= 256)
        for mode in ["[?25h", "[?1049l", "[?2004l", "[?2026l", "[0m", "[?1006l"] {
            #expect(Restore.leave.contains(mode))
        }
        #expect(!Restore.enter.contains("?1000h"))
    }
}
