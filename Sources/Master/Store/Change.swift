import Shared
import Synchronization

/// One committed change of one object. Watchers share it, and with it every encoding that was made of it.
///
/// A class, because the encodings are made once, by the first watcher that needs them.
final class Change: Sendable {
    enum Kind: Sendable { case put, deletion }

    let kind: Kind
    /// The object after the change; for a deletion its last state with the deletion's revision.
    let stored: Stored
    /// The object before the change; nil when the change created it.
    let previous: Stored?
    /// Encodings of this change by variant name.
    let encodings = Mutex<[String: [UInt8]]>([:])

    var key: ObjectKey { stored.key }
    var revision: Revision { stored.revision }

    init(_ kind: Kind, _ stored: Stored, previous: Stored?) {
        self.kind = kind
        self.stored = stored
        self.previous = previous
    }
}

/// Consecutive changes of one resource out of the history.
struct ChangePage: Sendable {
    let changes: [Change]
    /// Every change of the resource after the asked revision up to this one is in `changes`.
    let upTo: Revision
}

/// What the watch hub asks of the store.
struct ChangeLog: Sendable {
    /// The last committed revision.
    let head: @Sendable () -> Revision
    /// Changes of the resource after this revision are all kept.
    let floor: @Sendable (GroupResource) -> Revision
    /// Changes after a revision, oldest first, at most `limit` of them; nil as namespace means all.
    /// - Throws: 410 when history after `after` was compacted.
    let changes:
        @Sendable (_ resource: GroupResource, _ namespace: String?, _ after: Revision, _ limit: Int)
            async throws(Status)
            -> ChangePage
}
