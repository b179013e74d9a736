import Shared

/// signatures
final class Store: Sendable {
    static func open(
        path: String, clock: any WallClock, options: Options = Options(), project: @escaping Projection.Make
    )
        throws -> Store
    { preconditionFailure("signature") }
    struct Options: Sendable {}
    var head: Revision { preconditionFailure("signature") }
    func get(_ key: ObjectKey) -> Stored? { preconditionFailure("signature") }
    func list(_ resource: GroupResource, namespace: String? = nil) -> (items: [Stored], revision: Revision) {
        preconditionFailure("signature")
    }
    /// At most `limit` objects whose keys come after `after`; `remaining` counts those that follow.
    func list(_ resource: GroupResource, namespace: String? = nil, after: ObjectKey?, limit: Int) -> (
        items: [Stored], revision: Revision, remaining: Int
    ) { preconditionFailure("signature") }
    func count(_ resource: GroupResource) -> Int { preconditionFailure("signature") }
    func counts() -> [GroupResource: Int] { preconditionFailure("signature") }
    func owned(by uid: String) -> [ObjectKey] { preconditionFailure("signature") }

    func list(_ resource: GroupResource, namespace: String? = nil, at revision: Revision) async throws(Status)
        -> [Stored]
    { preconditionFailure("signature") }
    func get(_ key: ObjectKey, at revision: Revision) async throws(Status) -> Stored? {
        preconditionFailure("signature")
    }
    func revision(at time: Timestamp) async throws(Status) -> Revision? { preconditionFailure("signature") }

    func write<T: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws(Status) -> T) async throws(Status)
        -> T
    { preconditionFailure("signature") }
    func rehearse<T: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws(Status) -> T)
        async throws(Status) -> T
    { preconditionFailure("signature") }

    var log: ChangeLog { preconditionFailure("signature") }
    func publish(to sink: @escaping @Sendable ([Change]) -> Void) { preconditionFailure("signature") }
    func backup(to path: String) async throws { preconditionFailure("signature") }
    /// Events that were last written before `time`, oldest first, at most `limit`.
    func expired(before time: Timestamp, limit: Int) async throws(Status) -> [Stored] {
        preconditionFailure("signature")
    }
}
