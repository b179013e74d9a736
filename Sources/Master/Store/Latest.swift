import Shared
import Synchronization

/// The latest state of all objects in memory. Readers share it; only the commit loop changes it.
final class Latest: Sendable {
    private struct State {
        var shelves: [GroupResource: Shelf]
        /// Keys of the objects that name an owner, by the owner's uid.
        var owned: [String: Set<ObjectKey>] = [:]
        var head: Revision
    }
    private let state: Mutex<State>

    init(_ objects: [Stored], head: Revision) {
        var byResource: [GroupResource: [Stored]] = [:]
        var state = State(shelves: [:], head: head)
        for stored in objects {
            byResource[stored.key.resource, default: []].append(stored)
            for owner in stored.projection.owners { state.owned[owner, default: []].insert(stored.key) }
        }
        state.shelves = byResource.mapValues { Shelf($0) }
        self.state = Mutex(state)
    }

    var head: Revision { state.withLock { $0.head } }
    func get(_ key: ObjectKey) -> Stored? { state.withLock { $0.shelves[key.resource]?.get(key) } }
    /// A snapshot of one resource, to be read without the lock.
    func shelf(_ resource: GroupResource) -> (shelf: Shelf, revision: Revision) {
        state.withLock { ($0.shelves[resource] ?? Shelf(), $0.head) }
    }
    func counts() -> [GroupResource: Int] { state.withLock { $0.shelves.mapValues(\.count) } }
    func owned(by uid: String) -> [ObjectKey] { state.withLock { Array($0.owned[uid] ?? []) } }

    /// Takes over changes that are on disk.
    func apply(_ changes: [Change]) {
        state.withLock { state in
            for change in changes {
                precondition(change.revision > state.head, "a revision went back")
                let key = change.key
                for owner in change.previous?.projection.owners ?? [] {
                    state.owned[owner]?.remove(key)
                    if state.owned[owner]?.isEmpty == true { state.owned[owner] = nil }
                }
                switch change.kind {
                case .put:
                    state.shelves[key.resource, default: Shelf()].put(change.stored)
                    for owner in change.stored.projection.owners { state.owned[owner, default: []].insert(key) }
                case .deletion: state.shelves[key.resource]?.remove(key, at: change.revision)
                }
                state.head = change.revision
            }
        }
    }
}
