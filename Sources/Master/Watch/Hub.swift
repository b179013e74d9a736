import Shared

/// signatures
final class Hub: Sendable {
    init(log: ChangeLog) { preconditionFailure("signature") }
    func publish(_ changes: [Change]) { preconditionFailure("signature") }
    /// - Parameter initial: objects that are sent as ADDED first (a list at `after`), followed by a bookmark that ends
    ///   them when `bookmarks` is given.
    func watch(
        _ resource: GroupResource, namespace: String? = nil, name: String? = nil, after: Revision,
        initial: [Stored]? = nil, bookmarks: KindType? = nil,
        matches: @escaping @Sendable (Projection, ObjectKey) -> Bool = { _, _ in true }
    ) throws(Status) -> Watcher { preconditionFailure("signature") }
    /// Sends a bookmark to the watchers of a resource that asked for them.
    func bookmark(_ resource: GroupResource) { preconditionFailure("signature") }
}

final class Watcher: Sendable {
    /// The next frame; nil at the end. One task at a time may wait.
    func next() async -> WatchFrame? { preconditionFailure("signature") }
    /// All frames that are ready, at least one; nil at the end.
    func batch() async -> [WatchFrame]? { preconditionFailure("signature") }
    func cancel() { preconditionFailure("signature") }
}
