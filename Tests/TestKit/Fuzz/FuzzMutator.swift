/// Makes wrong inputs from right ones.
struct FuzzMutator {
    private let target: FuzzTarget
    private var random: Seed
    /// No input is longer, in bytes; what is nested may be deeper than every limit.
    private static let bytesMax = 64 << 10
    /// Numbers at the edges of what types hold.
    private static let numbers = [
        "0", "-0", "-1", "1", "127", "128", "255", "256", "32767", "65535", "65536", "2147483647", "2147483648",
        "-2147483649", "4294967295", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "1e308", "1e309", "-1e-400", "0.1e+99", "00", "0x7F", "1_0",
        "99999999999999999999999999999999999999",
    ].map { Array($0.utf8) }
    private static let bytes: [UInt8] = [
        0, 1, 9, 10, 13, 0x20, 0x22, 0x23, 0x25, 0x26, 0x27, 0x2A, 0x2C, 0x2D, 0x2E, 0x2F, 0x3A, 0x3F, 0x40, 0x5B, 0x5C,
        0x5D, 0x60, 0x7B, 0x7C, 0x7D, 0x7F, 0x80, 0xBF, 0xC0, 0xE2, 0xED, 0xF4, 0xFE, 0xFF,
    ]

    init(_ target: FuzzTarget, seed: UInt64) {
        self.target = target
        random = Seed(seed)
    }

    /// The next input.
    mutating func input() -> [UInt8] {
        var input = any(target.seeds) ?? []
        for _ in 0..<below(6) + 1 { change(&input) }
        if input.count > FuzzMutator.bytesMax { input.removeLast(input.count - FuzzMutator.bytesMax) }
        return input
    }

    private mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(random.next() % UInt64(bound)) }
    private mutating func any<T>(_ items: [T]) -> T? { items.isEmpty ? nil : items[below(items.count)] }
    private mutating func range(in input: [UInt8], max: Int = 64) -> Range<Int> {
        let start = below(input.count + 1)
        return start..<start + below(min(max, input.count - start) + 1)
    }

    private mutating func change(_ input: inout [UInt8]) {
        let place = below(input.count + 1)
        switch below(14) {
        case 0: if place < input.count { input[place] ^= 1 << UInt8(below(8)) }
        case 1: if place < input.count { input[place] = UInt8(truncatingIfNeeded: random.next()) }
        case 2: if place < input.count { input[place] = any(FuzzMutator.bytes) ?? 0 }
        case 3: input.insert(any(FuzzMutator.bytes) ?? 0, at: place)
        case 4: input.removeSubrange(range(in: input))
        case 5: input.insert(contentsOf: input[range(in: input)], at: place)
        case 6, 7: input.insert(contentsOf: any(target.words) ?? [], at: place)
        case 8: input.insert(contentsOf: any(FuzzMutator.numbers) ?? [], at: place)
        case 9: if below(4) == 0 { input.removeSubrange(place...) }
        case 10: splice(&input, at: place)
        case 11: replaceNumber(&input)
        case 12: if below(50) == 0 { repeatPiece(&input, at: place) }
        default:
            let piece = range(in: input)
            input.replaceSubrange(piece, with: any(target.words) ?? [])
        }
    }

    /// The head of one input with the tail of another.
    private mutating func splice(_ input: inout [UInt8], at place: Int) {
        guard let other = any(target.seeds) else { return }
        input.replaceSubrange(place..., with: other[below(other.count + 1)...])
    }

    private mutating func replaceNumber(_ input: inout [UInt8]) {
        let from = below(input.count + 1)
        guard let start = input[from...].firstIndex(where: { (0x30...0x39).contains($0) }) else { return }
        let end = input[start...].firstIndex { !(0x30...0x39).contains($0) } ?? input.count
        input.replaceSubrange(start..<end, with: any(FuzzMutator.numbers) ?? [])
    }

    /// The same piece many times: depth without end, and endless lists.
    private mutating func repeatPiece(_ input: inout [UInt8], at place: Int) {
        let piece = below(2) == 0 ? any(target.words) ?? [] : Array(input[range(in: input, max: 8)])
        guard !piece.isEmpty else { return }
        let count = min(FuzzMutator.bytesMax / piece.count, 1 << below(16))
        input.insert(contentsOf: repeatElement(piece, count: count).joined(), at: place)
    }
}
