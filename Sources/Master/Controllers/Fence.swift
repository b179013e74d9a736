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
        /// The answer to a request was lost: it may have been done.
        var isUnsure = false
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
    /// Writes for `key`; the cache has to show what was written.
    func write<Written: Kind>(for key: ObjectKey, _ request: () async throws -> Written) async throws -> Written {
        let written = try await attempt(for: key, request)
        wrote(written, for: key)
        return written
    }
    /// Makes a request for `key`. One that is not answered, or with a failure of the server, may have been done all the
    /// same.
    @discardableResult
    func attempt<Result>(for key: ObjectKey, _ request: () async throws -> Result) async throws -> Result {
        do { return try await request() } catch {
            if !error.isRefusal { gaps.withLock { $0[key, default: Gap()].isUnsure = true } }
            throw error
        }
    }
    func forget(_ key: ObjectKey) { gaps.withLock { _ = $0.removeValue(forKey: key) } }

    /// True when a cache at `revision` shows all writes made for `key`, those among them whose answer was lost.
    /// - Parameters:
    ///   - present: the objects of the cache that the requests are about.
    ///   - client: asks what became of requests without an answer.
    ///   - isOwn: whether a change of the object wakes the key.
    func isPassed<K: Kind>(
        _ key: ObjectKey, at revision: Revision, present: [K], asking client: Client, about isOwn: (K) -> Bool
    ) async throws -> Bool {
        if gaps.withLock({ $0[key]?.isUnsure ?? false }) {
            let live = try await client.list(K.self, namespace: key.namespace).items
            let staying = Set(live.filter { !$0.metadata.isDeleting }.map(\.metadata.uid))
            let latest = live.filter(isOwn).compactMap(\.metadata.revision).max() ?? .zero
            gaps.withLock { gaps in
                var gap = gaps[key] ?? Gap()
                gap.isUnsure = false
                gap.revision = max(gap.revision, latest)
                gap.deleted.formUnion(present.map(\.metadata.uid).filter { !staying.contains($0) })
                gaps[key] = gap
            }
        }
        return isPassed(key, at: revision, present: present)
    }

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

extension Error {
    /// Whether the server has answered and done nothing. Without an answer, or with a failure of the server, the request
    /// may have been done all the same.
    var isRefusal: Bool { (self as? Status).map { $0.code < 500 } ?? false }
}
