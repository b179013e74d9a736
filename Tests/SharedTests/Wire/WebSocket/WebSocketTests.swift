import Testing

@testable import Shared

struct WebSocketTests {
    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536, 100_000])
    func `frames of every length form are read back, masked and not`(count: Int) throws {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var server = WebSocketParser(.server)
        let bytes = WebSocketFrame(.binary, payload).encoded(mask: [1, 2, 3, 4])
        server.feed(Array(bytes.prefix(5)))
        server.feed(Array(bytes.dropFirst(5)))
        #expect(try server.next() == .binary(payload))
        var client = WebSocketParser(.client)
        client.feed(WebSocketFrame(.binary, payload).encoded(mask: nil))
        #expect(try client.next() == .binary(payload))
        #expect(try client.next() == nil)
    }

    @Test func `fragments are joined around control frames`() throws {
        var parser = WebSocketParser(.client)
        parser.feed(WebSocketFrame(.text, Array("Hel".utf8), isFinal: false).encoded(mask: nil))
        parser.feed(WebSocketFrame(.ping, [1]).encoded(mask: nil))
        parser.feed(WebSocketFrame(.continuation, Array("lo".utf8)).encoded(mask: nil))
        parser.feed(WebSocketFrame(.close, [0x03, 0xE8] + Array("bye".utf8)).encoded(mask: nil))
        #expect(try parser.next() == .ping([1]))
        #expect(try parser.next() == .text("Hello"))
        #expect(try parser.next() == .close(code: 1000, reason: "bye"))
    }

    static let broken: [([UInt8], UInt16)] = [
        ([0x81, 0x01, 0xFF], 1007), ([0x80, 0x00], 1002), ([0xC1, 0x00], 1002), ([0x83, 0x00], 1002),
        ([0x09, 0x00], 1002), ([0x89, 126, 0, 126], 1002), ([0x82, 0x81, 0, 0, 0, 0, 1], 1002),
        ([0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009),
        ([0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0], 1009),
        ([0x88, 0x01, 0x03], 1002), ([0x88, 0x02, 0x03, 0xED], 1002), ([0x01, 0x00, 0x81, 0x00], 1002),
    ]
    @Test(arguments: broken)
    func `a frame against the rules gives the code of RFC 6455`(bytes: [UInt8], code: UInt16) {
        var parser = WebSocketParser(.client)
        parser.feed(bytes)
        let error = #expect(throws: WebSocketError.self) { _ = try parser.next() }
        #expect(error?.code == code)
    }

    @Test func `a server refuses frames without a mask`() {
        var parser = WebSocketParser(.server)
        parser.feed(WebSocketFrame(.text, [65]).encoded(mask: nil))
        #expect(throws: WebSocketError.self) { _ = try parser.next() }
    }

    @Test func `the accept key is the one of the RFC`() {
        #expect(WebSocketHandshake.acceptKey(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(WebSocketHandshake.answer(to: ["Connection": "Upgrade", "Upgrade": "websocket"]) == nil)
    }

    @Test func `channel frames carry their channel first`() {
        #expect(ChannelFrame(.standardOutput, [65]).encoded == [1, 65])
        #expect(ChannelFrame([255, 0])?.closed == .standardInput)
        #expect(ChannelFrame([]) == nil)
        #expect(ChannelFrame([77]) == nil)
        #expect(ChannelFrame.choose(from: ["v4.channel.k8s.io, v5.channel.k8s.io"]) == "v4.channel.k8s.io")
        #expect(ChannelFrame.choose(from: ["channel.k8s.io"]) == nil)
    }
}
