/// Cuts a stream of bytes into lines; a line that grows past its bound is given out in pieces.
struct LineSplitter {
    private var rest: [UInt8] = []
    private let lineBytesMax: Int
    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    mutating func split(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            lines.append(rest + bytes[start..<end])
            rest.removeAll()
            start = end + 1
        }
        rest += bytes[start...]
        if rest.count > lineBytesMax {
            lines.append(rest)
            rest.removeAll()
        }
        return lines.filter { !$0.isEmpty }
    }

    /// What stands after the last line break, at the end of the stream.
    mutating func flush() -> [UInt8]? {
        defer { rest.removeAll() }
        return rest.isEmpty ? nil : rest
    }
}
