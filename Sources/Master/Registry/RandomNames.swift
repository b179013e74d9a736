/// Names that the server makes up.
enum RandomNames {
    /// The letters of generated names: no vowels, so that no words come out. Source: apimachinery `util/rand`.
    private static let letters = Array("bcdfghjklmnpqrstvwxz2456789")

    /// Five letters: what is put after `generateName`.
    static func suffix(using generator: inout some RandomNumberGenerator) -> String {
        String((0..<5).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
    }

    /// Five letters that follow from `seed`, such as an object's uid.
    static func suffix(of seed: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in seed.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(
            (0..<5).map { _ in
                defer { hash /= UInt64(letters.count) }
                return letters[Int(hash % UInt64(letters.count))]
            })
    }

    /// A version 4 UUID, as `metadata.uid` has it. Source: RFC 9562 section 5.4.
    static func uid(using generator: inout some RandomNumberGenerator) -> String {
        let high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let digits = hex(high) + hex(low)
        let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map { start, end in
            String(digits.dropFirst(start).prefix(end - start))
        }
        return parts.joined(separator: "-")
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
