/// A domain name: labels of any bytes, compared without regard to ASCII case. Source: RFC 1035 §2.3, RFC 4343.
struct DNSName: Sendable, CustomStringConvertible {
    /// Each of 1…63 bytes; 255 bytes in all with the length bytes.
    let labels: [[UInt8]]

    init(labels: [[UInt8]]) { self.labels = labels }

    /// Reads `a.b.c`, with or without the last dot; nil when a label is empty or too long, or all is.
    init?(_ text: some StringProtocol) {
        var bytes = Array(text.utf8)[...]
        if bytes.last == UInt8(ascii: ".") { bytes = bytes.dropLast() }
        guard !bytes.isEmpty else {
            labels = []
            return
        }
        labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
        guard labels.allSatisfy({ (1...63).contains($0.count) }), wireBytes <= 255 else { return nil }
    }

    var wireBytes: Int { labels.reduce(1) { $0 + $1.count + 1 } }
    /// Bytes that would be misread in text are shown as `\DDD`.
    var description: String {
        labels.map { label in
            label.map { byte in
                let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "\\")
                return isPlain ? String(UnicodeScalar(byte)) : "\\\(String(1000 + Int(byte)).dropFirst())"
            }.joined()
        }.joined(separator: ".")
    }
    /// The labels in lower case as text; a label that is no UTF-8 becomes one that matches nothing.
    var texts: [String] { labels.map { String(decoding: $0.map(DNSName.lower), as: UTF8.self) } }

    /// The labels in front of `suffix`, in lower case; nil when the name does not end with it.
    func labels(before suffix: DNSName) -> [String]? {
        let texts = texts, end = suffix.texts
        guard texts.count >= end.count, Array(texts.suffix(end.count)) == end else { return nil }
        return Array(texts.dropLast(end.count))
    }

    static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

extension DNSName: Hashable {
    static func == (left: DNSName, right: DNSName) -> Bool {
        left.labels.count == right.labels.count
            && zip(left.labels, right.labels).allSatisfy { $0.map(lower) == $1.map(lower) }
    }
    func hash(into hasher: inout Hasher) {
        for label in labels { hasher.combine(label.map(DNSName.lower)) }
    }
}
