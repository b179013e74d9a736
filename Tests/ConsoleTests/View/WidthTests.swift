import Testing

@testable import Console

struct WidthTests {
    @Test(arguments: [
        ("a", 1), ("é", 1), ("e\u{301}", 1), ("日", 2), ("ｱ", 1), ("ア", 2), ("한", 2), ("👍", 2), ("👍🏽", 2), ("👨‍👩‍👧‍👦", 2),
        ("🇯🇵", 2),
        ("❤️", 2), ("❤", 1), ("⚙", 1), ("│", 1), ("▰", 1), ("…", 1), ("1️⃣", 2), ("क्षि", 1),
    ])
    func `a cluster takes one or two cells`(text: String, width: Int) {
        #expect(text.reduce(0) { $0 + Width.of($1) } == width)
    }

    @Test(arguments: [
        "web-1", "日本語の設定", "👩‍💻-dev", "a\u{301}\u{302}\u{303}\u{304}", "ﬀ", "\u{1B}[31mred", "x\u{202E}y", "\u{200B}",
        "\t", "\r\n", "\u{0}", "🇯", "\u{FE0F}",
    ])
    func `the right border stands still whatever the name`(name: String) {
        var canvas = Canvas(Size(30, 1))
        canvas.put(TextFit.pad(name, to: 20), x: 0, y: 0)
        canvas.put("│", x: 20, y: 0)
        #expect(canvas[20, 0].character == "│")
        let before = (0..<20).reduce(0) { $0 + (canvas[$1, 0].isTail ? 0 : Width.of(canvas[$1, 0].character)) }
        #expect(before == 20)
    }

    @Test func `a name is cut in the middle and keeps its tail`() {
        #expect(TextFit.cut("payments-7c9f6d-x2lqz", to: 14, .middle) == "payment…-x2lqz")
        #expect(TextFit.cut("日本語日本語日本語", to: 8) == "日本語…")
        #expect(Width.of(TextFit.pad("日本", to: 9)) == 9)
    }

    @Test func `long text is broken at spaces`() {
        #expect(TextFit.wrap("the quick brown fox", to: 10) == ["the quick", "brown fox"])
        #expect(TextFit.wrap("aaaaaaaaaaaa b", to: 5) == ["aaaaa", "aaaaa", "aa b"])
    }
}
