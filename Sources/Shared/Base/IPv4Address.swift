/// An IPv4 address as a number in host byte order: `IPv4Address(127, 0, 0, 1)`.
package struct IPv4Address: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let value: UInt32

    package init(value: UInt32) { self.value = value }
    package init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        value = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }
    /// Reads `a.b.c.d` in decimal without leading zeros; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for digit in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                number = number * 10 + UInt32(digit - UInt8(ascii: "0"))
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        self.value = value
    }
    /// Reads four bytes in network order; nil when there are not exactly four.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    package static let any = IPv4Address(value: 0)
    package static let loopback = IPv4Address(127, 0, 0, 1)

    /// The four bytes in network order.
    package var bytes: [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
    package var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }
    /// True for 127.0.0.0/8.
    package var isLoopback: Bool { value >> 24 == 127 }

    package static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.value < right.value }
}

/// A block of IPv4 addresses, `10.244.1.0/24`. Bits behind the prefix are always zero.
package struct IPv4Network: Hashable, Sendable, CustomStringConvertible {
    package let address: IPv4Address
    /// 0…32.
    package let prefix: Int

    /// The block of `prefix` bits that `address` is in; a prefix out of 0…32 is brought into it.
    package init(_ address: IPv4Address, prefix: Int) {
        self.prefix = min(max(prefix, 0), 32)
        self.address = IPv4Address(value: address.value & IPv4Network.mask(self.prefix))
    }
    /// Reads `a.b.c.d/n`; nil for anything else. Bits behind the prefix are cleared, as Go's `ParseCIDR` does.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]),
            parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
            let prefix = Int(parts[1]), (0...32).contains(prefix)
        else { return nil }
        self.init(address, prefix: prefix)
    }

    /// The whole address space, `0.0.0.0/0`.
    package static let all = IPv4Network(.any, prefix: 0)

    package var mask: UInt32 { IPv4Network.mask(prefix) }
    package var first: IPv4Address { address }
    package var last: IPv4Address { IPv4Address(value: address.value | ~mask) }
    /// How many addresses are in the block.
    package var count: Int { 1 << (32 - prefix) }
    package var description: String { "\(address)/\(prefix)" }

    package func contains(_ other: IPv4Address) -> Bool { other.value & mask == address.value }
    package func contains(_ other: IPv4Network) -> Bool { other.prefix >= prefix && contains(other.address) }
    /// True when the blocks share an address.
    package func overlaps(_ other: IPv4Network) -> Bool { contains(other) || other.contains(self) }
    /// The address `offset` places behind the first; nil when it is not in the block.
    package func address(at offset: Int) -> IPv4Address? {
        guard offset >= 0, offset < count else { return nil }
        return IPv4Address(value: address.value + UInt32(offset))
    }
    /// The block of `prefix` bits number `index` inside this one; nil when there is none.
    package func subnet(prefix: Int, index: Int) -> IPv4Network? {
        guard prefix >= self.prefix, prefix <= 32, index >= 0, index < 1 << (prefix - self.prefix) else { return nil }
        return IPv4Network(IPv4Address(value: address.value + UInt32(index << (32 - prefix))), prefix: prefix)
    }

    private static func mask(_ prefix: Int) -> UInt32 { prefix == 0 ? 0 : UInt32.max << UInt32(32 - prefix) }
}
