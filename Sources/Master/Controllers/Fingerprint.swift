import Shared

/// Short names derived from content: the hash of a pod template, as in `web-7d4b8c6f9`.
///
/// The form is Kubernetes's (FNV-1a over the content, decimal digits mapped to safe letters); the value is our own, since
/// Kubernetes hashes the memory layout of a Go struct. Source: `ComputeHash`, `rand.SafeEncodeString`.
struct Fingerprint {
    private var state: UInt32 = 2_166_136_261

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { state = (state ^ UInt32(byte)) &* 16_777_619 }
    }

    /// Letters and digits that never form a word.
    private static let letters = Array("bcdfghjklmnpqrstvwxz2456789")

    var text: String {
        String(String(state).utf8.map { Fingerprint.letters[Int($0) % Fingerprint.letters.count] })
    }

    /// The hash of `value`, whatever the order of its members.
    /// - Parameter collisions: how often the name was taken before; changes the hash when above zero.
    static func of(_ value: JSON, collisions: Int = 0) -> String {
        var print = Fingerprint()
        print.add(value.canonical.encoded)
        if collisions > 0 {
            let number = UInt64(UInt32(truncatingIfNeeded: collisions))
            print.add((0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
        }
        return print.text
    }
}

extension JSON {
    /// The same value with members sorted by key and without members that are null.
    var canonical: JSON {
        switch self {
        case .object(let members):
            var result = Members()
            for (key, value) in members.sorted() where !value.isNull { result.append(key, value.canonical) }
            return .object(result)
        case .array(let items): return .array(items.map(\.canonical))
        default: return self
        }
    }
}
