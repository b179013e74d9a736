import Shared
import Synchronization

/// Keeps a reconciler from deciding on a cache that does not show its own last writes yet.
///
/// Every write is answered with a revision; the cache is fit to decide on once it has reached it. No timeout is needed:
/// the event that closes the gap wakes the key again. This takes the place of Kubernetes's expectations.
/// A class, because all workers of one controller share it.
final class Fence: Sendable {
    private struct Gap {
        var revision = Revision.zero
        /// Uids of objects whose deletion was accepted.
        var deleted: Set<String> = []
    }
    private let gaps = Mutex<[ObjectKey: Gap]>([:])

    /// The write of `written` was made for `key`.
    func wrote(_ written: some Kind, for key: ObjectKey) {
        guard let revision = written.metadata.revision else { return }
        gaps.withLock { $0[key, default: Gap()].revision = max($0[key]?.revision ?? .zero, revision) }
    }
    func deleted(_ object: some Kind, for key: ObjectKey) {
        gaps.withLock { _ = $0[key, default: Gap()].deleted.insert(object.metadata.uid) }
    }
    func forget(_ key: ObjectKey) { gaps.withLock { _ = $0.removeValue(forKey: key) } }

    /// True when a cache at `revision` shows all writes made for `key`.
    /// - Parameter present: objects of the cache that still live and are not on their way out.
    func isPassed<K: Kind>(_ key: ObjectKey, at revision: Revision, present: [K]) -> Bool {
        gaps.withLock { gaps in
            guard let gap = gaps[key] else { return true }
            guard revision >= gap.revision else { return false }
            if !gap.deleted.isEmpty,
                present.contains(where: { !$0.metadata.isDeleting && gap.deleted.contains($0.metadata.uid) })
            {
                return false
            }
            gaps[key] = nil
            return true
        }
    }
}
