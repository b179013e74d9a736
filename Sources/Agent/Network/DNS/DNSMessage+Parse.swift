import Shared

extension DNSMessage {
    /// A message that is none, or is cut off.
    struct Malformed: Error, Hashable {}

    /// Reads a message. Whatever the bytes are, it ends and traps nowhere: names jump backwards only, and counts are
    /// limited by the bytes there are. Unknown record types keep their bytes.
    init(_ bytes: [UInt8]) throws(Malformed) {
        var reader = Reader(bytes: bytes)
        identifier = try reader.number()
        let flags: UInt16 = try reader.number()
        isResponse = flags & 0x8000 != 0
        operation = UInt8(flags >> 11 & 15)
        isAuthoritative = flags & 0x400 != 0
        isTruncated = flags & 0x200 != 0
        wantsRecursion = flags & 0x100 != 0
        offersRecursion = flags & 0x80 != 0
        code = Code(rawValue: UInt8(flags & 15)) ?? .serverFailure
        let counts = (try reader.number(), try reader.number(), try reader.number(), try reader.number())
        for _ in 0..<counts.0 {
            questions.append(
                Question(name: try reader.name(), kind: try reader.number(), group: try reader.number()))
        }
        for _ in 0..<counts.1 { if let record = try reader.record(&options) { answers.append(record) } }
        for _ in 0..<counts.2 { if let record = try reader.record(&options) { authorities.append(record) } }
        for _ in 0..<counts.3 { if let record = try reader.record(&options) { additionals.append(record) } }
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func byte() throws(Malformed) -> UInt8 {
            guard position < bytes.count else { throw Malformed() }
            defer { position += 1 }
            return bytes[position]
        }
        mutating func number() throws(Malformed) -> UInt16 { UInt16(try byte()) << 8 | UInt16(try byte()) }
        mutating func long() throws(Malformed) -> UInt32 { UInt32(try number()) << 16 | UInt32(try number()) }
        mutating func take(_ count: Int) throws(Malformed) -> [UInt8] {
            guard count <= bytes.count - position else { throw Malformed() }
            defer { position += count }
            return Array(bytes[position..<position + count])
        }

        /// Follows compression pointers, each of which must point further back than the one before.
        mutating func name() throws(Malformed) -> DNSName {
            var labels: [[UInt8]] = []
            var total = 1
            var resume: Int?
            var floor = position
            while true {
                let length = try byte()
                switch length {
                case 0:
                    if let resume { position = resume }
                    return DNSName(labels: labels)
                case 1...63:
                    total += Int(length) + 1
                    guard total <= 255 else { throw Malformed() }
                    labels.append(try take(Int(length)))
                case 0xC0...:
                    let target = Int(length & 0x3F) << 8 | Int(try byte())
                    guard target < floor else { throw Malformed() }
                    if resume == nil { resume = position }
                    floor = target
                    position = target
                default: throw Malformed()
                }
            }
        }

        /// Nil for the pseudo-record of EDNS, which goes to `options`.
        mutating func record(_ options: inout Options?) throws(Malformed) -> Record? {
            let name = try name()
            let kind = try number(), group = try number(), seconds = try long()
            let length = Int(try number())
            guard length <= bytes.count - position else { throw Malformed() }
            let end = position + length
            defer { position = end }
            let content: Record.Content
            switch kind {
            case Kind.options:
                options = Options(answerBytesMax: group, version: UInt8(seconds >> 16 & 255))
                return nil
            case Kind.address where length == 4:
                guard let address = IPv4Address(bytes: bytes[position..<end]) else { throw Malformed() }
                content = .address(address)
            case Kind.alias: content = .alias(try self.name())
            case Kind.pointer: content = .pointer(try self.name())
            case Kind.service:
                content = .service(
                    priority: try number(), weight: try number(), port: try number(), target: try self.name())
            case Kind.authority:
                let server = try self.name(), contact = try self.name(), serial = try long()
                _ = (try long(), try long(), try long())
                content = .authority(server: server, contact: contact, serial: serial, negativeSeconds: try long())
            case Kind.text where length > 0 && Int(bytes[position]) == length - 1:
                content = .text(String(decoding: bytes[(position + 1)..<end], as: UTF8.self))
            default: content = .other(kind: kind, Array(bytes[position..<end]))
            }
            return Record(name: name, seconds: seconds, content: content)
        }
    }
}
