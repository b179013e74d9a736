import Testing

@testable import Agent

struct ShimMessageTests {
    @Test func `any value survives the line`() throws {
        var message = ShimMessage("start")
        for value in ["", " ", "a=b%20\n\t\u{7F}", "日本語", "x".description] { message.add("key", value) }
        var inner = ShimMessage("step")
        inner.add("target", "/with space=")
        message.add("step", inner.text)
        let read = try #require(ShimMessage(line: message.line))
        #expect(read == message)
        #expect(ShimMessage(text: read.text("step")) == inner)
        #expect(message.line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
    }

    @Test(arguments: ["", "verb key", "verb key=%", "verb key=%zz"]) func `what is no message is refused`(text: String)
    {
        #expect(ShimMessage(text: text) == nil)
    }
}
