/// An address as text. Source: RFC 4291, Go's `net.ParseIP`: no zone, no leading zeros in IPv4.
struct IPAddress: Equatable {
    let isIPv6: Bool
    /// 4 or 16 bytes.
    let bytes: [UInt8]

    init?(_ text: some StringProtocol) {
        if text.contains(":") {
            guard let bytes = IPAddress.version6(String(text)) else { return nil }
            (isIPv6, self.bytes) = (true, bytes)
        } else {
            guard let bytes = IPAddress.version4(text) else { return nil }
            (isIPv6, self.bytes) = (false, bytes)
        }
    }

    private static func version4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard !part.isEmpty, part.count <= 3, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func version6(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        guard let head = groups(halves[0]), let tail = halves.count == 2 ? groups(halves[1]) : [] else { return nil }
        let missing = 16 - head.count - tail.count
        guard halves.count == 2 ? missing >= 2 : missing == 0 else { return nil }
        return head + [UInt8](repeating: 0, count: max(0, missing)) + tail
    }
    private static func groups(_ text: Substring) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains("."), index == parts.count - 1 {
                guard let last = version4(part) else { return nil }
                bytes += last
                continue
            }
            guard (1...4).contains(part.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }),
                let word = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(word >> 8), UInt8(word & 255)]
        }
        return bytes.count <= 16 ? bytes : nil
    }

    /// Whether the text is an address and a prefix length.
    static func isPrefix(_ text: String) -> Bool { prefix(text) != nil }

    /// Reads `10.0.0.0/8`.
    static func prefix(_ text: String) -> Prefix? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]),
            (0...(address.isIPv6 ? 128 : 32)).contains(length)
        else { return nil }
        return Prefix(address: address, length: length)
    }

    /// A range of addresses.
    struct Prefix {
        let address: IPAddress
        /// Bits that all addresses share.
        let length: Int

        /// Whether `inner` lies within this range and is smaller.
        func contains(_ inner: Prefix) -> Bool {
            guard inner.address.isIPv6 == address.isIPv6, inner.length > length else { return false }
            return (0..<length).allSatisfy { bit in
                let mask = UInt8(0x80) >> UInt8(bit % 8)
                return address.bytes[bit / 8] & mask == inner.address.bytes[bit / 8] & mask
            }
        }
    }
}
