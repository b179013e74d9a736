import TestKit
import Testing

@testable import Shared

struct SPDYTests {
    static let frames: [SPDYFrame] = [
        .synStream(id: 1, headerBlock: [1, 2, 3], isLast: false), .synReply(id: 1, headerBlock: [], isLast: true),
        .reset(id: 3, code: .cancel), .ping(7), .goAway(lastID: 5), .headers(id: 9, headerBlock: [4], isLast: true),
        .windowUpdate(id: 1, bytes: 65_536), .data(id: 5, bytes: [1, 2, 3], isLast: true),
        .data(id: 5, bytes: [], isLast: true), .data(id: 0x7FFF_FFFF, bytes: [9], isLast: false),
    ]

    @Test(arguments: frames) func `a frame is read back`(frame: SPDYFrame) throws {
        var parser = SPDYParser()
        parser.feed(frame.encoded)
        #expect(try parser.next() == frame)
        #expect(try parser.next() == nil)
    }

    @Test func `frames that arrive byte by byte are read back, data in parts`() throws {
        var parser = SPDYParser()
        var read: [SPDYFrame] = []
        let sent: [SPDYFrame] = [.ping(1), .data(id: 1, bytes: [1, 2, 3], isLast: true), .ping(3)]
        for byte in sent.flatMap(\.encoded) {
            parser.feed([byte])
            while let frame = try parser.next() { read.append(frame) }
        }
        #expect(
            read == [
                .ping(1), .data(id: 1, bytes: [1], isLast: false), .data(id: 1, bytes: [2], isLast: false),
                .data(id: 1, bytes: [3], isLast: true), .ping(3),
            ])
    }

    @Test(
        arguments: [
            [0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1], [0x80, 3, 0, 6, 0, 0, 0, 3, 0, 0, 0],
            [0x80, 3, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1], [0x80, 3, 0, 1, 0, 0xFF, 0xFF, 0xFF],
        ] as [[UInt8]])
    func `a frame against the rules is an error`(bytes: [UInt8]) {
        var parser = SPDYParser()
        parser.feed(bytes)
        #expect(throws: SPDYError.self) { _ = try parser.next() }
    }

    @Test func `headers are written and read`() throws {
        let headers: HTTPHeaders = ["streamType": "data", "port": "80", "many": "a"]
        let read = try SPDYHeaders.decode(SPDYHeaders.encode(headers))
        #expect(read["streamtype"] == "data")
        #expect(read.fields.map(\.name) == ["streamtype", "port", "many"])
        #expect(try SPDYHeaders.decode([0, 0, 0, 1, 0, 0, 0, 1, 97, 0, 0, 0, 3, 98, 0, 99]).all("a") == ["b", "c"])
    }

    @Test(
        arguments: [[], [0, 0, 0, 1], [0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF]] as [[UInt8]])
    func `broken headers are an error`(bytes: [UInt8]) {
        #expect(throws: SPDYError.self) { _ = try SPDYHeaders.decode(bytes) }
    }

    @Test func `the dictionary is the one of the draft`() {
        let sum = SPDYHeaders.dictionary.reduce((a: UInt32(1), b: UInt32(0))) { sum, byte in
            let a = (sum.a + UInt32(byte)) % 65_521
            return (a, (sum.b + a) % 65_521)
        }
        #expect(SPDYHeaders.dictionary.count == 1423)
        #expect(sum.b << 16 | sum.a == 0xE3C6_A7C2)
    }

    /// Two blocks of one stream, packed by another program with zlib and the dictionary.
    @Test func `headers that another program packed are unpacked, one block after the other`() throws {
        let blocks: [[UInt8]] = [
            [
                0x78, 0xF9, 0xE3, 0xC6, 0xA7, 0xC2, 0x02, 0x25, 0x3A, 0x70, 0x3A, 0x2B, 0x29, 0x4A, 0x4D, 0xCC,
                0x45, 0x2A, 0x4A, 0x12, 0x21, 0xA5, 0x72, 0x11, 0x38, 0x03, 0x58, 0x18, 0x58, 0x18, 0x00, 0x69,
                0xCE, 0x22, 0x48, 0x2C, 0x66, 0x82, 0x52, 0x37, 0xA3, 0x01, 0x00, 0x00, 0x00, 0xFF, 0xFF,
            ],
            [
                0xA2, 0x44, 0x2F, 0x00, 0x00, 0x00, 0xFF, 0xFF,
            ],
        ]
        let headers: HTTPHeaders = ["streamtype": "data", "port": "8080", "requestid": "0"]
        var foreign = try HeaderInflater()
        for block in blocks { #expect(try foreign.unpack(block) == headers) }
        var deflater = try HeaderDeflater()
        var inflater = try HeaderInflater()
        for _ in 0..<3 { #expect(try inflater.unpack(try deflater.pack(headers)) == headers) }
        #expect(throws: (any Error).self) { _ = try inflater.unpack([1, 2, 3, 4]) }
    }

    @Test(arguments: 0..<20) func `no bytes crash the parser`(seed: UInt64) {
        var random = Seed(seed)
        var parser = SPDYParser()
        for _ in 0..<200 {
            parser.feed(
                (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
            do { while try parser.next() != nil {} } catch { parser = SPDYParser() }
        }
        #expect(SPDYFrame.ping(1).encoded.count == 12)
    }
}
