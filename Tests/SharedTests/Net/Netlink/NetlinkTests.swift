import Shared
import Testing

struct NetlinkTests {
    @Test func `an attribute carries its length and is padded to four bytes`() {
        var bytes = NetlinkBytes()
        bytes.attribute(3, text: "ab")
        // length 7, type 3, "ab\0", one byte of padding.
        #expect(bytes.bytes == [7, 0, 3, 0, 97, 98, 0, 0])
    }

    @Test func `a nested attribute counts what is inside and is flagged`() {
        var bytes = NetlinkBytes()
        bytes.nest(18) { $0.attribute(1, UInt8(5)) }
        // length 12, type 18 with NLA_F_NESTED; inside: length 5, type 1, value, padding.
        #expect(bytes.bytes == [12, 0, 18, 0x80, 5, 0, 1, 0, 5, 0, 0, 0])
    }

    @Test func `attributes read back as they were written`() {
        var bytes = NetlinkBytes()
        bytes.attribute(1, text: "eth0")
        bytes.attribute(2, big: UInt32(7))
        bytes.nest(3) { $0.attribute(4, IPv4Address(10, 0, 0, 1).bytes) }
        let read = NetlinkAttributes(bytes.bytes[...])
        #expect(read.text(1) == "eth0" && read.big(2, as: UInt32.self) == 7)
        #expect(read.nested(3)?.address(4) == IPv4Address(10, 0, 0, 1))
    }

    @Test func `a message begins with its length, type, flags and number`() {
        let message = NetlinkMessage(
            type: 16, flags: [.acknowledge], purpose: "test", body: NetlinkBytes([1, 2, 3, 4]))
        #expect(message.encoded(sequence: 9) == [20, 0, 0, 0, 16, 0, 5, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])
    }

    @Test(arguments: 0..<200)
    func `bytes of any kind are parsed to an end`(seed: Int) {
        var random = Seeded(state: UInt64(seed) &* 0x9E37_79B9 + 1)
        let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        for reply in NetlinkReply.parse(bytes[...]) {
            _ = (Link(reply), Route(reply), LinkAddress(reply), reply.errorText)
            _ = NetfilterBatch.elements(reply)
        }
        for attribute in NetlinkAttributes(bytes[...]) {
            _ = NetlinkAttributes(attribute.content).map(\.type)
        }
        let forged = NetlinkReply.parse(([60, 0, 0, 0, 16, 0, 0, 0] + bytes + [UInt8](repeating: 0, count: 60))[...])
        for reply in forged { _ = Link(reply) }
    }

    @Test func `many elements become several messages below the length of an attribute`() {
        var batch = NetfilterBatch()
        let elements = (0..<5000).map { NetfilterSet.Element(key: IPv4Address(value: UInt32($0)).bytes) }
        batch.addElements(elements, to: "set", table: "t")
        #expect(batch.messages.count > 1)
        #expect(batch.messages.allSatisfy { $0.body.bytes.count < 0xFFFF })
    }

    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }
}

struct IPv4AddressTests {
    @Test(arguments: ["1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "a.b.c.d", "", "1..2.3", "1.2.3.+4", "1.2.3.4 "])
    func `what is no address is not read`(text: String) {
        #expect(IPv4Address(text) == nil)
    }
    @Test func `networks know what they contain`() throws {
        let network = try #require(IPv4Network("10.244.1.77/24"))
        #expect("\(network)" == "10.244.1.0/24" && network.count == 256)
        #expect(network.contains(IPv4Address(10, 244, 1, 255)) && !network.contains(IPv4Address(10, 244, 2, 0)))
        #expect(
            network.overlaps(.all)
                && IPv4Network("10.0.0.0/8")?.subnet(prefix: 16, index: 244)?.contains(network) == true)
        #expect(IPv4Network("1.2.3.4/33") == nil && IPv4Network("1.2.3.4/") == nil && IPv4Network("1.2.3.4/+8") == nil)
    }
}
