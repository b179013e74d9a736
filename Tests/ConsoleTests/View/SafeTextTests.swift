import Testing

@testable import Console

struct SafeTextTests {
    @Test(arguments: [
        ("\u{1B}]52;c;aGk=\u{7}", "␛]52;c;aGk=␇"), ("\u{1B}]0;title\u{1B}\\", "␛]0;title␛\\"),
        ("\u{1B}[?1049h", "␛[?1049h"), ("\u{9B}31m", "<9B>31m"),
        ("a\u{202E}b", "a<U+202E>b"), ("a\u{200B}b", "a<U+200B>b"), ("\u{301}x", "\u{25CC}\u{301}x"), ("\u{7F}", "␡"),
        ("a\nb", "a␊b"), ("日本", "日本"),
    ])
    func `what could steer the terminal is shown instead`(text: String, shown: String) {
        #expect(SafeText.clean(text) == shown)
    }

    @Test func `a stack of accents stays small`() {
        let zalgo = "e" + String(repeating: "\u{301}", count: 1_000)
        #expect(SafeText.clean(zalgo).unicodeScalars.count <= SafeText.clusterScalarsMax)
    }

    @Test func `bytes that are no text show as numbers`() {
        #expect(SafeText.decode([0x61, 0xFF, 0x62, 0xC3, 0xA9, 0xE2, 0x82]) == "a\\xFFbé\\xE2\\x82")
    }

    @Test func `no control byte reaches the terminal from any text`() {
        var canvas = Canvas(Size(80, 3))
        for value in (0..<0x20) { canvas.put(String(Unicode.Scalar(UInt8(value))), x: value * 2, y: 0) }
        for value in (0x7F..<0xA0) { canvas.put(String(Unicode.Scalar(UInt8(value))), x: 0, y: 1) }
        var painter = Painter(palette: Palette(.mono))
        let bytes = painter.frame(canvas)
        let text = String(decoding: bytes, as: UTF8.self)
        // Every escape is one of the painter's own.
        for piece in text.split(separator: "\u{1B}", omittingEmptySubsequences: false).dropFirst() {
            #expect(piece.first == "[")
        }
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\u{1B}" || (0x7F..<0xA0).contains($0.value) })
    }
}
