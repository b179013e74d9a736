import Testing

@testable import Console

struct KeyDecoderTests {
    @Test(arguments: [
        ("j", [Input.key(.character("j"))]), ("\u{1B}[A", [.key(.up)]), ("\u{1B}OB", [.key(.down)]),
        ("\u{1B}[1;2C", [.key(.shiftRight)]),
        ("\u{1B}[3~", [.key(.delete)]), ("\r", [.key(.enter)]), ("\u{7F}", [.key(.backspace)]),
        ("\u{3}", [.key(.control("c"))]), ("\u{1B}[Z", [.key(.backTab)]),
        ("日é", [.key(.character("日")), .key(.character("é"))]), ("\u{1C}", [.key(.control("\\"))]),
        ("\u{1B}[200~X\u{1B}[31m\r\u{1B}[201~j", [.paste("X\u{1B}[31m\r"), .key(.character("j"))]),
    ])
    func `bytes become keys`(text: String, inputs: [Input]) {
        var decoder = KeyDecoder()
        let found = decoder.feed(text.utf8)
        #expect(found == inputs)
    }

    @Test(arguments: ["\u{1B}[A", "\u{1B}[1;2C", "日", "\u{1B}[200~hello\u{1B}[201~"])
    func `a sequence may arrive byte by byte`(text: String) {
        var whole = KeyDecoder()
        var pieces = KeyDecoder()
        var inputs: [Input] = []
        for byte in text.utf8 { inputs += pieces.feed([byte]) }
        let expected = whole.feed(text.utf8)
        #expect(inputs == expected)
    }

    @Test func `a lone escape becomes a key when nothing follows`() {
        var decoder = KeyDecoder()
        let first = decoder.feed([0x1B])
        #expect(first.isEmpty)
        #expect(decoder.isWaiting)
        let second = decoder.flush()
        #expect(second == [.key(.escape)])
        #expect(!decoder.isWaiting)
    }

    @Test func `no bytes can trap or stall the decoder`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var decoder = KeyDecoder()
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                [0x1B, 0x5B, 0x4F, 0x3B, 0x7E, 0x32, 0x30, 0xE6, 0xFF, 0x41].randomElement(using: &random) ?? 0
            }
            _ = decoder.feed(bytes.map { UInt8($0) })
            _ = decoder.flush()
        }
    }
}
