import Synchronization

/// A cache of one collection that follows the server: list, then watch, for ever.
///
/// It is shared by all who need the kind. After a lost connection the watch continues where it ended; when the server
/// has forgotten that revision (410) the collection is listed anew and the cache replaced at once, so that handlers
/// see no gap and no duplicate. Reads are from memory and never wait. A class, because it is one identity that many hold.
package final class Informer<K: Kind>: Service {
    /// What happened to one object, in the order of the server's revisions.
    package enum Change: Sendable {
        case added(K)
        case updated(old: K, new: K)
        case removed(K)

        /// The object as it is now, or was last.
        package var object: K {
            switch self {
            case .added(let object), .updated(_, let object), .removed(let object): object
            }
        }
    }
    package typealias Handler = @Sendable (Change) -> Void

    fileprivate struct Name: Hashable {
        let namespace: String
        let name: String
    }
    fileprivate struct State {
        var objects: [Name: K] = [:]
        /// Index name → value → objects.
        var indexes: [String: [String: Set<Name>]] = [:]
        var extractors: [String: @Sendable (K) -> [String]] = [:]
        var handlers: [Handler] = []
        var revision = Revision.zero
        var isSynced = false
        /// Nobody fills the cache any more.
        var isEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let client: Client
    private let scope: Client.Scope
    private let clock: any WallClock
    private let log: Log

    package init(
        _ client: Client, namespace: String = "", fields: FieldSelector = .everything, clock: any WallClock, log: Log
    ) {
        self.client = client
        var scope = Client.Scope(K.self, namespace: namespace)
        scope.fields = fields
        self.scope = scope
        self.clock = clock
        self.log = log
    }

    /// Calls `handler` for every change from now on, and at once for all that is cached. Handlers run in order on the
    /// informer's task and must not block.
    package func add(_ handler: @escaping Handler) {
        let known = state.withLock { state in
            state.handlers.append(handler)
            return Array(state.objects.values)
        }
        for object in known { handler(.added(object)) }
    }

    /// Adds a look-up table: `values` names where an object is found. To be called before `run`.
    package func index(_ name: String, by values: @escaping @Sendable (K) -> [String]) {
        state.withLock { state in
            state.extractors[name] = values
            var table: [String: Set<Name>] = [:]
            for (key, object) in state.objects { for value in values(object) { table[value, default: []].insert(key) } }
            state.indexes[name] = table
        }
    }

    package func get(namespace: String = "", name: String) -> K? {
        state.withLock { $0.objects[Name(namespace: namespace, name: name)] }
    }
    /// All objects, in no order; of one namespace when it is given.
    package func list(namespace: String? = nil) -> [K] {
        state.withLock { state in
            guard let namespace else { return Array(state.objects.values) }
            return state.objects.compactMap { $0.key.namespace == namespace ? $0.value : nil }
        }
    }
    /// The objects that the index `name` files under `value`.
    package func list(index name: String, _ value: String) -> [K] {
        state.withLock { state in (state.indexes[name]?[value] ?? []).compactMap { state.objects[$0] } }
    }
    package var count: Int { state.withLock { $0.objects.count } }
    /// The latest revision that the cache is known to hold.
    package var revision: Revision { state.withLock { $0.revision } }
    package var isSynced: Bool { state.withLock { $0.isSynced } }

    /// Returns once the first listing is in the cache, or when `run` has ended without one.
    package func waitUntilSynced() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                let isDecided = state.isSynced || state.isEnded
                if !isDecided { state.waiters.append(continuation) }
                return isDecided
            }
            if ready { continuation.resume() }
        }
    }

    package func run() async throws {
        defer {
            state.withLock { $0.isEnded = true }
            for waiter in takeWaiters() { waiter.resume() }
        }
        var backoff = Backoff(first: .milliseconds(100), most: .seconds(10))
        var needsList = true
        while true {
            do {
                if needsList {
                    let (items, revision) = try await client.listPages(scope)
                    replace(with: items.map { K(Informer.kept($0)) }, at: revision)
                    needsList = false
                    for waiter in takeWaiters() { waiter.resume() }
                }
                try await client.watch(scope, after: revision) { event in
                    backoff.reset()
                    try self.receive(event)
                }
                try Task.checkCancellation()
            } catch {
                if Task.isCancelled { throw CancellationError() }
                if let status = error as? Status, status.code == 410 || status.code == 504 { needsList = true }
                let delay = backoff.next()
                log.info(
                    "the watch of \(scope.path) ended and is taken up again", ("error", "\(error)"), ("after", delay))
                try await clock.sleep(for: delay)
            }
        }
    }

    private func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
    }

    private func receive(_ event: WatchEvent) throws {
        switch event {
        case .added(let json), .modified(let json): store(K(Informer.kept(json)))
        case .deleted(let json): remove(K(json))
        case .bookmark(let json): advance(to: K(json))
        case .failed(let status): throw status
        }
    }

    /// What of an object is kept: not who owns its fields, which is long and of no use to controllers. An update without
    /// that list leaves it as it is.
    private static func kept(_ json: JSON) -> JSON {
        var json = json
        json["metadata"].remove("managedFields")
        return json
    }

    private func store(_ object: K) {
        let name = Name(namespace: object.namespace, name: object.name)
        let (change, handlers) = state.withLock { state in
            let old = state.objects.updateValue(object, forKey: name)
            state.reindex(name, old: old, new: object)
            state.revision = object.metadata.revision ?? state.revision
            return (old.map { Change.updated(old: $0, new: object) } ?? .added(object), state.handlers)
        }
        for handler in handlers { handler(change) }
    }

    private func remove(_ object: K) {
        let name = Name(namespace: object.namespace, name: object.name)
        let (known, handlers) = state.withLock { state in
            let old = state.objects.removeValue(forKey: name)
            state.reindex(name, old: old, new: nil)
            state.revision = object.metadata.revision ?? state.revision
            return (old != nil, state.handlers)
        }
        if known { for handler in handlers { handler(.removed(object)) } }
    }

    private func advance(to bookmark: K) {
        state.withLock { $0.revision = bookmark.metadata.revision ?? $0.revision }
    }

    /// Puts a fresh listing in the place of the cache and tells the handlers what differs.
    private func replace(with objects: [K], at revision: Revision) {
        let (changes, handlers) = state.withLock { state in
            var changes: [Change] = []
            var gone = state.objects
            for object in objects {
                let name = Name(namespace: object.namespace, name: object.name)
                let old = gone.removeValue(forKey: name)
                if let old, old.metadata.resourceVersion == object.metadata.resourceVersion { continue }
                state.objects[name] = object
                state.reindex(name, old: old, new: object)
                changes.append(old.map { .updated(old: $0, new: object) } ?? .added(object))
            }
            for (name, old) in gone {
                state.objects[name] = nil
                state.reindex(name, old: old, new: nil)
                changes.append(.removed(old))
            }
            state.revision = revision
            state.isSynced = true
            return (changes, state.handlers)
        }
        for change in changes { for handler in handlers { handler(change) } }
    }
}

/// What all informers have in common, whatever their kind.
package protocol ObjectCache: Service {
    var resource: GroupResource { get }
    var isSynced: Bool { get }
    /// The latest revision that the cache is known to hold.
    var revision: Revision { get }
    /// Returns once the first listing is in the cache, or when `run` has ended without one.
    func waitUntilSynced() async
}

extension Informer: ObjectCache {
    package var resource: GroupResource { K.type.resource }
}

extension Informer.State {
    fileprivate mutating func reindex(_ name: Informer.Name, old: K?, new: K?) {
        for (index, values) in extractors {
            let before = old.map(values) ?? []
            let after = new.map(values) ?? []
            if before == after { continue }
            for value in before {
                indexes[index]?[value]?.remove(name)
                if indexes[index]?[value]?.isEmpty == true { indexes[index]?[value] = nil }
            }
            for value in after { indexes[index, default: [:]][value, default: []].insert(name) }
        }
    }
}
