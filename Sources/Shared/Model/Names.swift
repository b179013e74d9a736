/// The grammars of names. Source: apimachinery `util/validation`, RFC 1035, RFC 1123.
package enum Names {
    /// `a-z0-9` and inner `-`, at most 63 bytes.
    package static func isDNSLabel(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
        return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
            && bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }
    /// A DNS label that starts with a letter.
    package static func isDNS1035Label(_ name: String) -> Bool {
        isDNSLabel(name) && (name.utf8.first.map { $0 >= UInt8(ascii: "a") } ?? false)
    }
    /// Labels joined by dots, at most 253 bytes in all; labels here may be longer than 63.
    package static func isDNSSubdomain(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 253 else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.utf8.first, let last = part.utf8.last else { return false }
            return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                && part.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }
    /// `[prefix/]name`: the keys of labels and annotations, finalizers, resource names.
    package static func isQualifiedName(_ key: String) -> Bool {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isLabelName(parts[0])
        case 2: return isDNSSubdomain(String(parts[0])) && isLabelName(parts[1])
        default: return false
        }
    }
    /// Empty, or like the name part of a key.
    package static func isLabelValue(_ value: String) -> Bool { value.isEmpty || isLabelName(Substring(value)) }

    private static func isLabelName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, let last = name.utf8.last, name.utf8.count <= 63 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && name.utf8.allSatisfy {
                isAlphanumeric($0) || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains($0)
            }
    }
    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
