import Shared
import Synchronization

/// What a watcher wants to see, and the frames that wait for it. A class: the hub and the watcher share it.
final class Subscription: Sendable {
    /// Which objects of a resource a watcher may see at all: how the hub finds the watchers of a change.
    enum Scope: Hashable, Sendable {
        case all
        case namespace(String)
        case name(String)
        case object(namespace: String, name: String)

        init(namespace: String?, name: String?) {
            switch (namespace, name) {
            case (nil, nil): self = .all
            case (let namespace?, nil): self = .namespace(namespace)
            case (nil, let name?): self = .name(name)
            case (let namespace?, let name?): self = .object(namespace: namespace, name: name)
            }
        }

        /// The scopes that an object is in.
        static func around(_ key: ObjectKey) -> [Scope] {
            [
                .all, .namespace(key.namespace), .name(key.name), .object(namespace: key.namespace, name: key.name),
            ]
        }

        func covers(_ key: ObjectKey) -> Bool {
            switch self {
            case .all: true
            case .namespace(let namespace): key.namespace == namespace
            case .name(let name): key.name == name
            case .object(let namespace, let name): key.namespace == namespace && key.name == name
            }
        }
    }

    let resource: GroupResource
    let scope: Scope
    /// The empty object that bookmarks carry; nil when the watcher wants none.
    let bookmarks: JSON?
    let matches: WatchFrame.Matches
    private let backlog = Mutex(Backlog())

    init(_ resource: GroupResource, scope: Scope, bookmarks: JSON?, matches: @escaping WatchFrame.Matches) {
        self.resource = resource
        self.scope = scope
        self.bookmarks = bookmarks
        self.matches = matches
    }

    var isClosed: Bool { backlog.withLock { $0.isClosed } }
    var isIdle: Bool { backlog.withLock { $0.isIdle } }

    /// What this watcher sees of a change; nil when nothing.
    func frame(_ change: Change) -> WatchFrame? {
        scope.covers(change.key) ? WatchFrame(change, matches: matches) : nil
    }

    /// Queues a frame. The caller performs the action outside its locks.
    func offer(_ frame: WatchFrame) -> (Backlog.Offer, Backlog.Action) { backlog.withLock { $0.offer(frame) } }

    /// Whether frames were not kept since the last one that was taken: the reader was too slow.
    var isBehind: Bool { backlog.withLock { $0.isBehind } }
    func rejoin() { backlog.withLock { $0.rejoin() } }

    /// All waiting frames; waits for one if there is none; nil after the end.
    func take() async -> [WatchFrame]? {
        await withCheckedContinuation { waiter in
            let action = backlog.withLock { $0.take(waiter) }
            action.perform()
        }
    }

    func close() {
        let action = backlog.withLock { $0.close() }
        action.perform()
    }
}
