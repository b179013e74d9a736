import Dispatch
import Glibc
import Shared
import TestKit
import Testing

@testable import Master

struct SealingTests {
    private static let value = "correct-horse-battery-staple"

    private static func open(_ folder: TemporaryFolder, _ keys: SealingKeys?) throws -> Store {
        var options = Store.Options()
        if let keys { options.seal(with: keys) }
        return try Store.open(path: folder.path + "/s.db", clock: SystemClock(), options: options) { _, object in
            Projection(metadata: Object(object).metadata)
        }
    }

    private static func write(_ store: Store, _ name: String, _ value: String) async throws {
        let key = ObjectKey(RevisionTable.secrets, namespace: "n", name: name)
        let object: JSON = [
            "apiVersion": "v1", "kind": "Secret",
            "metadata": ["name": .string(name), "namespace": "n", "labels": ["label": .string(value)]],
            "stringData": ["k": .string(value)],
        ]
        _ = try await store.write { transaction throws(Status) in try transaction.put(key, object) }
        // The round that wrote it lets go of the store.
        store.commits.sync {}
    }

    /// Whether a text stands in any file of the folder.
    private static func shows(_ text: String, in folder: TemporaryFolder) throws -> Bool {
        let wanted = Array(text.utf8)
        for file in folder.files {
            let bytes = try PrivateFile.read("\(folder.path)/\(file)") ?? []
            guard bytes.count >= wanted.count else { continue }
            for start in 0...(bytes.count - wanted.count) where bytes[start] == wanted[0] {
                if bytes[start..<start + wanted.count].elementsEqual(wanted) { return true }
            }
        }
        return false
    }

    @Test func `no file shows a secret's value, history and log included`() async throws {
        let folder = TemporaryFolder()
        let keys = SealingKeys(keys: [.init(id: "00000001", bytes: [UInt8](repeating: 7, count: 32))])
        let store = try Self.open(folder, keys)
        try await Self.write(store, "s", Self.value)
        try await Self.write(store, "s", Self.value + "-changed")
        #expect(try !Self.shows(Self.value, in: folder))
        let key = ObjectKey(RevisionTable.secrets, namespace: "n", name: "s")
        #expect(store.get(key)?.bytes.isEmpty == false)
        let text = String(decoding: store.get(key)?.bytes ?? [], as: UTF8.self)
        #expect(text.contains(Self.value + "-changed"))
    }

    @Test func `what was written in the clear is sealed at the next start, and a new key reads the old ones' work`()
        async throws
    {
        let folder = TemporaryFolder()
        do {
            let store = try Self.open(folder, nil)
            try await Self.write(store, "s", Self.value)
            #expect(try Self.shows(Self.value, in: folder))
        }
        let first = SealingKeys(keys: [.init(id: "00000001", bytes: [UInt8](repeating: 1, count: 32))])
        let key = ObjectKey(RevisionTable.secrets, namespace: "n", name: "s")
        do {
            let store = try Self.open(folder, first)
            #expect(store.get(key) != nil)
        }
        #expect(try !Self.shows(Self.value, in: folder))
        let second = first.rotated()
        #expect(try Store.reseal(folder.path + "/s.db", with: second) == 1)
        #expect(try Store.reseal(folder.path + "/s.db", with: second) == 0)
        let only = SealingKeys(keys: [second.keys[0]])
        let store = try Self.open(folder, only)
        let text = String(decoding: store.get(key)?.bytes ?? [], as: UTF8.self)
        #expect(text.contains(Self.value))
    }

    @Test func `a new key is taken up while the store is open, history included`() async throws {
        let folder = TemporaryFolder()
        let state = try StateFolder(folder.path)
        let ring = SealingRing(try SealingKeys.open(state))
        let former = ring.keys
        var options = Store.Options()
        options.seal(with: ring)
        let store = try Store.open(path: folder.path + "/s.db", clock: SystemClock(), options: options) { _, object in
            Projection(metadata: Object(object).metadata)
        }
        let rotation = KeyRotation(
            folder: state, ring: ring, store: store, clock: SystemClock(), log: Log("test", threshold: .error) { _ in })
        try await Self.write(store, "s", Self.value)
        try await Self.write(store, "s", Self.value + "-changed")
        #expect(try await rotation.check() == 0)
        let rotated = former.rotated()
        try rotated.write(state)
        #expect(try Store.unsealed(folder.path + "/s.db", with: rotated) == 2)
        #expect(try await rotation.check() == 2)
        #expect(try Store.unsealed(folder.path + "/s.db", with: rotated) == 0)
        try await Self.write(store, "t", Self.value)
        #expect(try Store.unsealed(folder.path + "/s.db", with: rotated) == 0)
        let key = ObjectKey(RevisionTable.secrets, namespace: "n", name: "s")
        #expect(try await store.get(key, at: Revision(1)) != nil)
        #expect(try await rotation.check() == 0)
        // A rotation that was broken off before everything was sealed anew goes on.
        let again = rotated.rotated()
        try again.write(state)
        #expect(ring.replace(with: again))
        #expect(try await rotation.check() == 3)
        #expect(try await rotation.check() == 0)
        // A file without the key that is in use would make everything unreadable.
        try former.write(state)
        await #expect(throws: UsageError.self) { try await rotation.check() }
        #expect(ring.keys == again)
    }

    @Test func `a sealed value can not be put in the place of another`() throws {
        let keys = SealingKeys(keys: [.init(id: "00000001", bytes: [UInt8](repeating: 1, count: 32))])
        let one = ObjectKey(RevisionTable.secrets, namespace: "n", name: "one")
        let two = ObjectKey(RevisionTable.secrets, namespace: "n", name: "two")
        let sealed = try keys.seal(one, Array("{}".utf8))
        #expect(try keys.open(one, sealed) == Array("{}".utf8))
        #expect(throws: CryptoError.self) { try keys.open(two, sealed) }
        var changed = sealed
        changed[changed.count - 1] ^= 1
        #expect(throws: CryptoError.self) { try keys.open(one, changed) }
        let map = ObjectKey(GroupResource("configmaps"), namespace: "n", name: "m")
        #expect(try keys.seal(map, [1, 2]) == [1, 2])
    }

    @Test func `the key file is its owner's alone and a broken one is named`() throws {
        let folder = TemporaryFolder()
        let state = try StateFolder(folder.path)
        let keys = try SealingKeys.open(state)
        #expect(try SealingKeys.open(state) == keys)
        var facts = stat()
        #expect(stat("\(folder.path)/\(SealingKeys.file)", &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o600)
        #expect(throws: UsageError.self) { try SealingKeys(text: "abc\n") }
        #expect(throws: UsageError.self) { try SealingKeys(text: "") }
    }
}
