import Shared

extension DNSMessage {
    /// The message in at most `most` bytes: additional records that do not fit are left out; when an answer does not fit,
    /// the answers stop there and the message says that it is truncated (the client asks again over TCP).
    func encoded(most: Int = 65_535) -> [UInt8] {
        var writer = Writer()
        writer.number(identifier)
        writer.number(0)
        for _ in 0..<4 { writer.number(0) }
        for question in questions {
            writer.name(question.name)
            writer.number(question.kind)
            writer.number(question.group)
        }
        let reserve = options == nil ? 0 : 11
        var counts: [UInt16] = [UInt16(clamping: questions.count), 0, 0, 0]
        var isCut = isTruncated
        sections: for (index, section) in [answers, authorities, additionals].enumerated() {
            for record in section {
                let mark = writer
                writer.record(record)
                if writer.bytes.count > most - reserve {
                    writer = mark
                    if index == 0 { isCut = true }
                    break sections
                }
                counts[index + 1] += 1
            }
        }
        if let options {
            writer.byte(0)
            writer.number(Kind.options)
            writer.number(options.answerBytesMax)
            writer.number(0)
            writer.number(UInt16(options.version) << 8)
            writer.number(0)
            counts[3] += 1
        }
        var flags = UInt16(code.rawValue) | UInt16(operation & 15) << 11
        for (isSet, bit) in [
            (isResponse, 0x8000), (isAuthoritative, 0x400), (isCut, 0x200), (wantsRecursion, 0x100),
            (offersRecursion, 0x80),
        ] where isSet { flags |= UInt16(bit) }
        writer.set(flags, at: 2)
        for (index, count) in counts.enumerated() { writer.set(count, at: 4 + 2 * index) }
        return writer.bytes
    }

    private struct Writer {
        var bytes: [UInt8] = []
        /// Where a name, or the end of one, was written before.
        var known: [DNSName: Int] = [:]

        mutating func byte(_ value: UInt8) { bytes.append(value) }
        mutating func number(_ value: UInt16) {
            bytes.append(UInt8(value >> 8))
            bytes.append(UInt8(value & 255))
        }
        mutating func long(_ value: UInt32) {
            number(UInt16(value >> 16))
            number(UInt16(value & 0xFFFF))
        }
        mutating func set(_ value: UInt16, at index: Int) {
            bytes[index] = UInt8(value >> 8)
            bytes[index + 1] = UInt8(value & 255)
        }

        /// - Parameter compress: false where old readers expect the whole name (RFC 2782 for SRV targets).
        mutating func name(_ name: DNSName, compress: Bool = true) {
            for index in name.labels.indices {
                let rest = DNSName(labels: Array(name.labels[index...]))
                if compress, let offset = known[rest] {
                    number(0xC000 | UInt16(offset))
                    return
                }
                if bytes.count < 0x4000, known[rest] == nil { known[rest] = bytes.count }
                byte(UInt8(truncatingIfNeeded: name.labels[index].count))
                bytes.append(contentsOf: name.labels[index])
            }
            byte(0)
        }

        mutating func record(_ record: Record) {
            name(record.name)
            number(record.content.kind)
            number(1)
            long(record.seconds)
            let length = bytes.count
            number(0)
            switch record.content {
            case .address(let address): bytes.append(contentsOf: address.bytes)
            case .alias(let target), .pointer(let target): name(target)
            case .service(let priority, let weight, let port, let target):
                number(priority)
                number(weight)
                number(port)
                name(target, compress: false)
            case .text(let text):
                let content = Array(text.utf8.prefix(255))
                byte(UInt8(content.count))
                bytes.append(contentsOf: content)
            case .authority(let server, let contact, let serial, let negativeSeconds):
                name(server)
                name(contact)
                for value in [serial, 7200, 1800, 86_400, negativeSeconds] { long(value) }
            case .other(_, let content): bytes.append(contentsOf: content)
            }
            set(UInt16(clamping: bytes.count - length - 2), at: length)
        }
    }
}
