import Synchronization
import TestKit

@testable import Master

/// Holds a store's threads until everything else is at rest, so that the groups of its commits and the order of its
/// answers are always the same. A class: the threads run freely again once it is gone.
final class StoreGate: Sendable {
    private let store: Store
    private let isOpen = Mutex(false)

    init(_ store: Store) {
        self.store = store
        store.commits.suspend()
        store.pastReads.suspend()
    }
    deinit { open() }

    /// Lets the threads do what was asked of them.
    func pass() {
        if isOpen.withLock({ $0 }) { return }
        store.commits.resume()
        repeat { store.commits.sync {} } while !store.queue.withLock { $0.isIdle }
        store.commits.suspend()
        store.pastReads.resume()
        store.pastReads.sync {}
        store.pastReads.suspend()
    }

    /// Lets the threads run from now on.
    func open() {
        isOpen.withLock { isOpen in
            if isOpen { return }
            isOpen = true
            store.commits.resume()
            store.pastReads.resume()
        }
    }
}
