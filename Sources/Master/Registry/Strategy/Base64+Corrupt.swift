import Shared

extension Base64 {
    /// A text that is not base64.
    struct Corrupt: Error, Equatable {
        /// The first byte that does not fit, from 0.
        let offset: Int
    }

    /// Reads the standard form and tells where it is broken. Source: Go's `encoding/base64.CorruptInputError`.
    static func decodeOrPlace(_ text: String) throws(Corrupt) -> [UInt8] {
        if let bytes = decode(text) { return bytes }
        var symbols = 0
        var padding = 0
        var offset = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): break
            case UInt8(ascii: "="):
                padding += 1
                if symbols % 4 < 2 || symbols % 4 + padding > 4 { throw Corrupt(offset: offset) }
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                if padding > 0 { throw Corrupt(offset: offset) }
                symbols += 1
            default: throw Corrupt(offset: offset)
            }
            offset += 1
        }
        throw Corrupt(offset: offset)
    }
}
