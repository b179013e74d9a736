/// Writes small tar archives by hand.
struct TarFixture {
    private(set) var bytes: [UInt8] = []

    mutating func add(
        _ path: String, type: Character = "0", text: String = "", link: String = "", mode: Int = 0o644,
        device: Bool = false
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        put(String(path.prefix(100)), at: 0)
        put(TarFixture.octal(mode, 7), at: 100)
        put(TarFixture.octal(0, 7), at: 108)
        put(TarFixture.octal(0, 7), at: 116)
        put(TarFixture.octal(text.utf8.count, 11), at: 124)
        put(TarFixture.octal(0, 11), at: 136)
        put(String(repeating: " ", count: 8), at: 148)
        put(String(type), at: 156)
        put(link, at: 157)
        put("ustar", at: 257)
        put("00", at: 263)
        put(TarFixture.octal(header.reduce(0) { $0 + Int($1) }, 6), at: 148)
        bytes += header
        bytes += text.utf8
        bytes += [UInt8](repeating: 0, count: (512 - text.utf8.count % 512) % 512)
    }

    mutating func append(_ other: TarFixture) { bytes += other.bytes }

    /// With the end mark.
    var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    private static func octal(_ number: Int, _ width: Int) -> String {
        let digits = String(number, radix: 8)
        return String(repeating: "0", count: width - digits.count) + digits
    }
}
