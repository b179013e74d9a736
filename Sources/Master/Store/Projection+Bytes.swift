import Shared

/// The compact form in which projections are kept beside the objects, so that opening parses no JSON: a format
/// version, then counted strings.
extension Projection {
    func encoded(version: UInt8) -> [UInt8] {
        var bytes: [UInt8] = [version, deleting ? 1 : 0]
        func put(_ count: Int) {
            var rest = UInt64(count)
            while rest >= 0x80 {
                bytes.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        func put(_ text: String) {
            put(text.utf8.count)
            bytes.append(contentsOf: text.utf8)
        }
        put(uid)
        put(owners.count)
        for owner in owners { put(owner) }
        for dictionary in [labels, fields] {
            put(dictionary.count)
            for (key, value) in dictionary {
                put(key)
                put(value)
            }
        }
        return bytes
    }

    /// nil when the bytes are of another version or damaged; the caller then makes it from the object.
    init?(_ bytes: [UInt8], version: UInt8) {
        guard bytes.count >= 2, bytes[0] == version else { return nil }
        var reader = Reader(rest: bytes[2...])
        guard let uid = reader.text(), let owners = reader.texts(), let labels = reader.pairs(),
            let fields = reader.pairs(), reader.rest.isEmpty
        else { return nil }
        self.init(uid: uid, labels: labels, fields: fields, owners: owners, deleting: bytes[1] == 1)
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func count() -> Int? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 35, by: 7) {
                guard let byte = rest.popFirst() else { return nil }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value <= UInt64(rest.count) ? Int(value) : nil }
            }
            return nil
        }
        mutating func text() -> String? {
            guard let count = count() else { return nil }
            defer { rest = rest.dropFirst(count) }
            return String(decoding: rest.prefix(count), as: UTF8.self)
        }
        mutating func texts() -> [String]? {
            guard let count = count() else { return nil }
            var texts: [String] = []
            for _ in 0..<count {
                guard let text = text() else { return nil }
                texts.append(text)
            }
            return texts
        }
        mutating func pairs() -> [String: String]? {
            guard let count = count() else { return nil }
            var pairs = [String: String](minimumCapacity: count)
            for _ in 0..<count {
                guard let key = text(), let value = text() else { return nil }
                pairs[key] = value
            }
            return pairs
        }
    }
}
