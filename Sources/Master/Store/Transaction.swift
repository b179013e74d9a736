import Shared

/// What the body of a write sees and does: the latest state, with all changes before it and its own in place.
///
/// It can not leave the body. Nothing is on disk until the body's batch is committed.
struct Transaction: ~Copyable {
    /// The revision that the next change gets.
    var revision: Revision { preconditionFailure("signature") }
    func get(_ key: ObjectKey) -> Stored? { preconditionFailure("signature") }
    /// The objects of a resource sorted by key; nil as namespace means all.
    func list(_ resource: GroupResource, namespace: String?) -> [Stored] { preconditionFailure("signature") }
    /// Creates or replaces an object. `metadata.resourceVersion` is set to the new revision.
    /// - Throws: 413 when the encoded object is larger than `Limits.objectBytesMax`.
    @discardableResult
    mutating func put(_ key: ObjectKey, _ json: JSON) throws(Status) -> Stored { preconditionFailure("signature") }
    /// Deletes an object; `final` is its last state, which watchers are shown with the deletion's revision.
    /// - Throws: 404 when it does not exist.
    @discardableResult
    mutating func delete(_ key: ObjectKey, final: JSON) throws(Status) -> Stored { preconditionFailure("signature") }
}
