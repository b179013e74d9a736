import Shared
import Synchronization

/// The keys of a store that is open. A class, because the store and who rotates the keys share them.
final class SealingRing: Sendable {
    private let state: Mutex<SealingKeys>
    /// Keys were replaced, and secrets on disk may still be sealed with former ones.
    let isBehind = Atomic(false)

    init(_ keys: SealingKeys) { state = Mutex(keys) }
    var keys: SealingKeys { state.withLock { $0 } }

    /// Takes other keys, unless what is on disk could not be read with them.
    /// - Returns: whether they were taken.
    func replace(with keys: SealingKeys) -> Bool {
        state.withLock { present in
            guard let first = present.keys.first, keys.keys.contains(first) else { return false }
            present = keys
            isBehind.store(true, ordering: .releasing)
            return true
        }
    }
}

/// Takes up the keys that `kmaster encryption rotate` makes while the master runs, and seals all secrets anew with them,
/// history too. Writes go on meanwhile.
struct KeyRotation: Service {
    let folder: StateFolder
    let ring: SealingRing
    let store: Store
    let clock: any WallClock
    let log: Log

    /// How often the file is looked at.
    static let period = Duration.seconds(5)

    func run() async throws {
        while true {
            try await clock.sleep(for: Self.period)
            do { try await check() } catch {
                log.warning(
                    "the encryption keys were not taken up; it is tried again in \(Self.period)", ("error", "\(error)"))
            }
        }
    }

    /// - Returns: how many revisions of secrets were sealed anew.
    @discardableResult
    func check() async throws -> Int {
        guard let bytes = try folder.read(SealingKeys.file) else { return 0 }
        let keys = try SealingKeys(text: String(decoding: bytes, as: UTF8.self))
        guard keys == ring.keys || ring.replace(with: keys) else {
            throw UsageError(
                "\(SealingKeys.file) lacks the key that is in use; put it back from a copy of the state folder")
        }
        guard ring.isBehind.load(ordering: .acquiring) else { return 0 }
        let count = try await store.reseal(unless: keys.currentMark)
        ring.isBehind.store(false, ordering: .releasing)
        log.info(
            "secrets are encrypted with another key now", ("key", keys.keys.first?.id ?? ""), ("revisions", "\(count)"))
        return count
    }
}
