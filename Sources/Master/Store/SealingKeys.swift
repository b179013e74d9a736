import Shared

/// The keys with which Secrets are encrypted on disk: AES-256 in Galois counter mode, newest key first. All of them
/// read, the first one writes. The file is `STATE/encryption-keys`, mode 0600, a line `ID BASE64` for each key.
/// Source: NIST SP 800-38D; Kubernetes "Encrypting Confidential Data at Rest".
struct SealingKeys: Sendable, Equatable {
    struct Key: Sendable, Equatable {
        /// Eight hexadecimal digits; stands in front of what the key has sealed.
        let id: String
        /// 32 bytes.
        let bytes: [UInt8]
    }
    let keys: [Key]

    static let file = "encryption-keys"
    /// No JSON and no projection begins so.
    private static let mark: [UInt8] = [0xFF, 0x01]

    /// Reads the keys of a state folder, or makes the first one.
    static func open(_ folder: StateFolder) throws -> SealingKeys {
        if let bytes = try folder.read(file) { return try SealingKeys(text: String(decoding: bytes, as: UTF8.self)) }
        let made = SealingKeys(keys: [make()])
        try made.write(folder)
        return made
    }

    /// These keys with a new one in front.
    func rotated() -> SealingKeys { SealingKeys(keys: [SealingKeys.make()] + keys) }

    func write(_ folder: StateFolder) throws { try folder.write(SealingKeys.file, Array(text.utf8)) }

    private static func make() -> Key { Key(id: Random.bytes(4).hex, bytes: Random.bytes(32)) }

    init(keys: [Key]) { self.keys = keys }

    /// - Throws: a sentence that says which line is no key.
    init(text: String) throws(UsageError) {
        var keys: [Key] = []
        for (number, line) in text.split(separator: "\n").enumerated() {
            let parts = line.split(separator: " ")
            guard parts.count == 2, parts[0].utf8.count == 8, let bytes = Base64.decode(parts[1]), bytes.count == 32
            else {
                throw UsageError(
                    "line \(number + 1) of \(SealingKeys.file) is no key; put the file back from a copy of the state folder"
                )
            }
            keys.append(Key(id: String(parts[0]), bytes: bytes))
        }
        guard !keys.isEmpty else {
            throw UsageError("\(SealingKeys.file) has no key; put the file back from a copy of the state folder")
        }
        self.keys = keys
    }

    private var text: String { keys.map { "\($0.id) \(Base64.encode($0.bytes))\n" }.joined() }

    // MARK: Sealing

    /// Whether the values of a resource are secret.
    static func covers(_ resource: GroupResource) -> Bool { resource == RevisionTable.secrets }

    /// What stands in front of everything that the first key has sealed.
    var currentMark: [UInt8] { SealingKeys.mark + Array((keys.first?.id ?? "").utf8) }

    /// Seals the bytes of a secret object and leaves others alone. The object's key is authenticated, so that a sealed
    /// value can not be put in the place of another.
    func seal(_ key: ObjectKey, _ bytes: [UInt8]) throws -> [UInt8] {
        guard SealingKeys.covers(key.resource), let first = keys.first else { return bytes }
        return try currentMark
            + AESGCM.seal(bytes, key: first.bytes, authenticating: Array(key.description.utf8))
    }

    /// The bytes that were sealed; those that never were come back as they are.
    func open(_ key: ObjectKey, _ bytes: [UInt8]) throws -> [UInt8] {
        guard bytes.starts(with: SealingKeys.mark) else { return bytes }
        let id = String(decoding: bytes.dropFirst(2).prefix(8), as: UTF8.self)
        guard let used = keys.first(where: { $0.id == id }) else {
            throw CryptoError(
                "the key \(id) is not in \(SealingKeys.file): put the file back from a copy of the state folder")
        }
        return try AESGCM.open(
            Array(bytes.dropFirst(10)), key: used.bytes, authenticating: Array(key.description.utf8))
    }
}

extension Store.Options {
    /// Has secrets encrypted with these keys, and all that were sealed otherwise sealed anew when the store opens.
    mutating func seal(with keys: SealingKeys) { seal(with: SealingRing(keys)) }

    /// The same with keys that may change while the store is open.
    mutating func seal(with ring: SealingRing) {
        seal = { try ring.keys.seal($0, $1) }
        open = { try ring.keys.open($0, $1) }
        sealMark = ring.keys.currentMark
    }
}
