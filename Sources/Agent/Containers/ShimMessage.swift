/// One line of the protocol between the agent and a shim: a verb and fields, in order; keys may repeat.
///
/// On the wire: `verb key=value key=value\n`. In values, bytes up to space, `%`, `=` and DEL are written `%XX`, so a
/// value may hold anything, also another message. Both programs compile this file; a field that a reader does not know
/// is passed over, so an old shim serves a new agent.
struct ShimMessage: Equatable, Sendable {
    /// Of the protocol; a shim of a higher version is left alone by the agent.
    static let version = 1
    /// Longest line, bytes; a longer one ends the connection.
    static let bytesMax = 4 << 20

    struct Field: Equatable, Sendable {
        let key: String
        let value: String
    }
    var verb: String
    var fields: [Field] = []

    init(_ verb: String) { self.verb = verb }

    mutating func add(_ key: String, _ value: String) { fields.append(Field(key: key, value: value)) }
    mutating func add(_ key: String, _ value: some BinaryInteger) { add(key, String(value)) }
    mutating func add(_ key: String, _ values: [String]) { for value in values { add(key, value) } }
    /// Present with the value 1 when true.
    mutating func add(_ key: String, flag: Bool) { if flag { add(key, "1") } }

    func text(_ key: String) -> String { fields.first { $0.key == key }?.value ?? "" }
    func has(_ key: String) -> Bool { fields.contains { $0.key == key } }
    func all(_ key: String) -> [String] { fields.filter { $0.key == key }.map(\.value) }
    /// Nil when it is missing or no number of that type.
    func number<T: FixedWidthInteger>(_ key: String) -> T? { T(text(key)) }

    /// With the line break at its end.
    var line: [UInt8] {
        var bytes = Array(verb.utf8)
        for field in fields {
            bytes.append(UInt8(ascii: " "))
            bytes.append(contentsOf: field.key.utf8)
            bytes.append(UInt8(ascii: "="))
            for byte in field.value.utf8 { ShimMessage.escape(byte, into: &bytes) }
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
    /// Without the line break, to be carried in another message.
    var text: String { String(decoding: line.dropLast(), as: UTF8.self) }

    /// Nil when the line is no message. The line break may be missing.
    init?(line: some Collection<UInt8>) {
        let words = line.split(separator: UInt8(ascii: " "))
        guard let first = words.first else { return nil }
        verb = String(decoding: first.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        for word in words.dropFirst() {
            guard let split = word.firstIndex(of: UInt8(ascii: "=")),
                let value = ShimMessage.unescape(word[word.index(after: split)...])
            else { return nil }
            add(String(decoding: word[..<split], as: UTF8.self), value)
        }
    }
    init?(text: String) { self.init(line: Array(text.utf8)) }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func escape(_ byte: UInt8, into bytes: inout [UInt8]) {
        guard byte <= 0x20 || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "=") || byte == 0x7F else {
            bytes.append(byte)
            return
        }
        bytes.append(UInt8(ascii: "%"))
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
    }

    private static func unescape(_ text: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "\n") { break }
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(nibble), let low = rest.next().flatMap(nibble) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
