import Shared

/// Reads the metadata of a list without reading its items, so that the next page is on its way while this one is read.
enum ListHead {
    /// The member `metadata` of the outermost object; nil when there is none or the text is cut.
    static func metadata(_ bytes: [UInt8]) -> JSON? {
        let range = bytes.withUnsafeBufferPointer { buffer in
            var scanner = Scanner(bytes: buffer)
            return scanner.member("metadata")
        }
        return range.flatMap { try? JSON(parsing: bytes[$0]) }
    }

    /// Steps over values without looking into them. No recursion: nesting is only counted.
    private struct Scanner {
        let bytes: UnsafeBufferPointer<UInt8>
        var position = 0

        init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        mutating func member(_ wanted: StaticString) -> Range<Int>? {
            skipSpace()
            guard take(UInt8(ascii: "{")) else { return nil }
            while true {
                skipSpace()
                let start = position
                guard skipString() else { return nil }
                let name = UnsafeBufferPointer(rebasing: bytes[start + 1..<position - 1])
                let isWanted = name.elementsEqual(
                    UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount))
                skipSpace()
                guard take(UInt8(ascii: ":")) else { return nil }
                skipSpace()
                let value = position
                guard skipValue() else { return nil }
                if isWanted { return value..<position }
                skipSpace()
                guard take(UInt8(ascii: ",")) else { return nil }
            }
        }

        private mutating func skipValue() -> Bool {
            var depth = 0
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    guard skipString() else { return false }
                    if depth == 0 { return true }
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    position += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return true }
                    depth -= 1
                    position += 1
                    if depth == 0 { return true }
                case UInt8(ascii: ",") where depth == 0: return true
                default: position += 1
                }
            }
            return false
        }

        private mutating func skipString() -> Bool {
            guard take(UInt8(ascii: "\"")) else { return false }
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    position += 1
                    return true
                case UInt8(ascii: "\\"): position += 2
                default: position += 1
                }
            }
            return false
        }

        private mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        }
        private mutating func take(_ byte: UInt8) -> Bool {
            guard position < bytes.count, bytes[position] == byte else { return false }
            position += 1
            return true
        }
    }
}
