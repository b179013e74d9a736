import Shared

/// Consecutive changes of one resource out of the history.
struct ChangePage: Sendable {
    let changes: [Change]
    /// Every change of the resource after the asked revision up to this one is in `changes`.
    let upTo: Revision
}

/// What the watch hub asks of the store.
struct ChangeLog: Sendable {
    /// Changes after a revision, oldest first, at most `limit` of them; nil as namespace means all.
    /// Throws 410 when history after that revision was compacted.
    typealias Read =
        @Sendable (_ resource: GroupResource, _ namespace: String?, _ after: Revision, _ limit: Int)
        async throws(Status)
        -> ChangePage

    /// The last committed revision.
    let head: @Sendable () -> Revision
    /// Changes of the resource after this revision are all kept.
    let floor: @Sendable (GroupResource) -> Revision
    let changes: Read
}
