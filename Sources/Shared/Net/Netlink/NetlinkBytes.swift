/// The body of a netlink message under construction: fixed fields, then attributes, each padded to four bytes.
///
/// Numbers are in the machine's byte order unless the name says `big`. Source: man 7 netlink, RFC 3549.
package struct NetlinkBytes: Hashable, Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Appends a fixed field.
    package mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }
    package mutating func append(big value: some FixedWidthInteger) { append(value.bigEndian) }
    package mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    package mutating func attribute(_ type: UInt16, _ content: [UInt8]) {
        begin(type) { $0.bytes.append(contentsOf: content) }
    }
    package mutating func attribute(_ type: UInt16, _ value: some FixedWidthInteger) {
        begin(type) { $0.append(value) }
    }
    package mutating func attribute(_ type: UInt16, big value: some FixedWidthInteger) {
        begin(type) { $0.append(big: value) }
    }
    /// A string with the zero byte that ends it.
    package mutating func attribute(_ type: UInt16, text: String) {
        begin(type) {
            $0.bytes.append(contentsOf: text.utf8)
            $0.bytes.append(0)
        }
    }
    /// An attribute made of attributes, flagged as nested.
    package mutating func nest(_ type: UInt16, _ body: (inout NetlinkBytes) -> Void) {
        begin(type | NetlinkBytes.nestedFlag, body)
    }
    /// An attribute whose content `body` appends: fixed fields, attributes or both.
    package mutating func begin(_ type: UInt16, _ body: (inout NetlinkBytes) -> Void) {
        let start = bytes.count
        append(UInt16(0))
        append(type)
        body(&self)
        let length = bytes.count - start
        precondition(length <= 0xFFFF, "An attribute is longer than its 16-bit length can say.")
        withUnsafeBytes(of: UInt16(length)) { (bytes[start], bytes[start + 1]) = ($0[0], $0[1]) }
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    /// NLA_F_NESTED.
    private static let nestedFlag: UInt16 = 0x8000
}

/// The attributes of a received message. Whatever the bytes are, parsing ends and traps nowhere: it stops at the first
/// attribute whose length does not fit.
package struct NetlinkAttributes: Sequence, Sendable {
    private let bytes: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    package func makeIterator() -> AnyIterator<(type: UInt16, content: ArraySlice<UInt8>)> {
        var rest = bytes
        return AnyIterator {
            guard let length = rest.number(at: 0, as: UInt16.self).map(Int.init),
                let type = rest.number(at: 2, as: UInt16.self), length >= 4, length <= rest.count
            else { return nil }
            let content = rest.dropFirst(4).prefix(length - 4)
            rest = rest.dropFirst((length + 3) & ~3)
            return (type & 0x3FFF, content)
        }
    }

    /// The content of the first attribute of this type.
    package subscript(type: UInt16) -> ArraySlice<UInt8>? { first { $0.type == type }?.content }
    package func number<N: FixedWidthInteger>(_ type: UInt16, as _: N.Type) -> N? {
        self[type]?.number(at: 0, as: N.self)
    }
    /// A number in network byte order.
    package func big<N: FixedWidthInteger>(_ type: UInt16, as _: N.Type) -> N? {
        self[type]?.number(at: 0, as: N.self).map { N(bigEndian: $0) }
    }
    /// A string up to its zero byte; bytes that are no UTF-8 are replaced.
    package func text(_ type: UInt16) -> String? {
        self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    package func nested(_ type: UInt16) -> NetlinkAttributes? { self[type].map(NetlinkAttributes.init) }
    package func address(_ type: UInt16) -> IPv4Address? { self[type].flatMap { IPv4Address(bytes: $0) } }
}

extension ArraySlice<UInt8> {
    /// The number in the machine's byte order that starts `offset` bytes behind the first; nil when the bytes end
    /// before.
    package func number<N: FixedWidthInteger>(at offset: Int, as _: N.Type) -> N? {
        guard offset >= 0, offset + MemoryLayout<N>.size <= count else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: N.self) }
    }
}
