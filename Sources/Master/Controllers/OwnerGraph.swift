import Shared

/// Who owns whom, over all kinds: what the garbage collector needs from the store. A struct of closures, so that the
/// collector names neither the store nor the registry.
struct OwnerGraph: Sendable {
    /// An object of any kind, as its owner references see it.
    struct Item: Sendable, Equatable {
        let type: KindType
        let metadata: ObjectMeta

        var key: ObjectKey { ObjectKey(type.resource, namespace: metadata.namespace, name: metadata.name) }
    }
    enum Change: Sendable {
        case put(Item)
        case removed(Item)
        /// The object names these owners no more.
        case released(Item, from: [OwnerReference])
    }
    /// Reports every change of every object that has owner references, finalizers or a deletion time, and every
    /// removal; at first what exists. Runs until cancelled. The handler must not block.
    let follow: @Sendable (_ handler: @escaping @Sendable (Change) -> Void) async throws -> Void
    /// The latest objects that name `uid` as an owner, at most `limit`.
    let dependents: @Sendable (_ uid: String, _ limit: Int) async throws -> [Item]
    /// The latest object of that key; nil when there is none.
    let find: @Sendable (_ key: ObjectKey) async throws -> Item?
    /// The kind that a reference names; nil when no such kind is served.
    let type: @Sendable (_ apiVersion: String, _ kind: String) async -> KindType?
}
