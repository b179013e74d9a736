import Glibc

/// Random numbers that a test can repeat: it prints as the number that it began with. Source: SplitMix64.
package struct Seed: RandomNumberGenerator, Sendable, CustomStringConvertible {
    package let start: UInt64
    private var state: UInt64

    package init(_ start: UInt64) {
        self.start = start
        state = start
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    package var description: String { "seed \(start)" }
}

/// Which seeds a test tries.
package enum Seeds {
    /// - Parameter few: how many in an ordinary run. `KOTOHAJIME_SEEDS=1000` asks for so many of every test,
    ///   `KOTOHAJIME_SEEDS=963...963` for these alone.
    package static func tried(_ few: UInt64 = 100) -> Range<UInt64> {
        guard let wish = getenv("KOTOHAJIME_SEEDS").map({ String(cString: $0) }) else { return 0..<few }
        let bounds = wish.split(separator: "...").compactMap { UInt64($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last, last < .max else { return 0..<few }
        return bounds.count == 1 ? 0..<first : first..<last + 1
    }
}
