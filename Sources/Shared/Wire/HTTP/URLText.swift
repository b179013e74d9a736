/// Percent-encoding and query strings. Source: RFC 3986; `+` reads as a space in queries, as in Go.
package enum URLText {
    /// Encodes all but the unreserved characters.
    package static func encode(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if isUnreserved(byte) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "%" + hex(byte >> 4) + hex(byte & 15)
            }
        }
        return result
    }

    /// Nil when a `%` is not followed by two hexadecimal digits.
    package static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        let isPlain = text.utf8.allSatisfy { $0 != UInt8(ascii: "%") && !(plusIsSpace && $0 == UInt8(ascii: "+")) }
        if isPlain { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? { Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init) }
    private static func hex(_ nibble: UInt8) -> String { String(nibble, radix: 16, uppercase: true) }
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

/// The parameters of a request in their order; a name may occur more than once.
package struct Query: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    package struct Item: Sendable, Equatable {
        package let name: String
        package let value: String
    }
    package private(set) var items: [Item] = []

    package init() {}
    package init(dictionaryLiteral elements: (String, String)...) {
        items = elements.map { Item(name: $0.0, value: $0.1) }
    }
    /// Reads what stands after `?`. Nil when an escape is broken.
    package init?(parsing text: some StringProtocol) {
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = URLText.decode(pair[0], plusIsSpace: true),
                let value = URLText.decode(pair.count == 2 ? pair[1] : "", plusIsSpace: true)
            else { return nil }
            items.append(Item(name: name, value: value))
        }
    }

    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }
    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }
    package mutating func add(_ name: String, _ value: String) { items.append(Item(name: name, value: value)) }
    /// `true` and `1` are true, as Go's ParseBool reads them.
    package func bool(_ name: String) -> Bool { ["true", "1", "t", "T", "TRUE", "True"].contains(self[name] ?? "") }
    package var isEmpty: Bool { items.isEmpty }

    /// Encoded, without `?`.
    package var text: String {
        items.map { "\(URLText.encode($0.name))=\(URLText.encode($0.value))" }.joined(separator: "&")
    }
}
