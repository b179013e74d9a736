import Shared
import Synchronization

/// Turns the store's changes into what the garbage collector follows. A class: it stands between the commit thread,
/// which must not wait, and the collector's task, which reads the objects.
final class OwnerFeed: Sendable {
    /// It lives in what the store hands its changes to, so the store outlives it.
    private unowned let store: Store
    private let registry: LiveRegistry
    private let changes: AsyncStream<Change>
    private let input: AsyncStream<Change>.Continuation
    /// Changes were lost because the collector was slow: everything has to be looked at again.
    private let isBehind = Atomic(false)

    init(store: Store, registry: LiveRegistry) {
        self.store = store
        self.registry = registry
        (changes, input) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Limits.ownerChangesMax))
    }

    /// Called on the commit thread.
    func receive(_ changes: [Change]) {
        for change in changes
        where change.kind == .deletion || Self.matters(change.stored.projection)
            || change.previous?.projection.owners.isEmpty == false
        {
            if case .dropped = input.yield(change) { isBehind.store(true, ordering: .releasing) }
        }
    }

    private static func matters(_ projection: Projection) -> Bool { !projection.owners.isEmpty || projection.deleting }

    var graph: OwnerGraph {
        let (store, registry) = (store, registry)
        return OwnerGraph(
            follow: { try await self.follow($0) },
            dependents: { uid, limit in
                store.owned(by: uid).prefix(limit).compactMap { store.get($0).flatMap { Self.item($0, registry) } }
            },
            find: { key in store.get(key).flatMap { Self.item($0, registry) } },
            type: { apiVersion, kind in
                let parts = apiVersion.split(separator: "/")
                guard let version = parts.last.map(String.init) else { return nil }
                let group = parts.count == 2 ? String(parts[0]) : ""
                return registry.current.resource(group: group, version: version, kind: kind)?.type
            })
    }

    private func follow(_ handler: @escaping @Sendable (OwnerGraph.Change) -> Void) async throws {
        tellAll(handler)
        for await change in changes {
            if isBehind.exchange(false, ordering: .acquiringAndReleasing) { tellAll(handler) }
            guard let item = Self.item(change.stored, registry) else { continue }
            handler(change.kind == .deletion ? .removed(item) : .put(item))
            let former = Self.formerOwners(change, item, registry)
            if !former.isEmpty { handler(.released(item, from: former)) }
        }
        throw CancellationError()
    }

    private func tellAll(_ handler: (OwnerGraph.Change) -> Void) {
        for resource in store.counts().keys {
            for stored in store.list(resource).items where Self.matters(stored.projection) {
                if let item = Self.item(stored, registry) { handler(.put(item)) }
            }
        }
    }

    /// The owners that an object had before a change and has no more.
    private static func formerOwners(
        _ change: Change, _ item: OwnerGraph.Item, _ registry: LiveRegistry
    ) -> [OwnerReference] {
        guard change.kind == .put, let previous = change.previous,
            previous.projection.owners != change.stored.projection.owners
        else { return [] }
        let kept = Set(item.metadata.ownerReferences.map(\.uid))
        return self.item(previous, registry)?.metadata.ownerReferences.filter { !kept.contains($0.uid) } ?? []
    }

    private static func item(_ stored: Stored, _ registry: LiveRegistry) -> OwnerGraph.Item? {
        guard let resource = registry.current.resource(stored.key.resource), let metadata = try? stored.metadata()
        else { return nil }
        return OwnerGraph.Item(type: resource.type, metadata: metadata)
    }
}

extension Limits {
    /// Changes that wait for the garbage collector; above that they are dropped, and it looks at all objects anew.
    static let ownerChangesMax = 100_000
}
