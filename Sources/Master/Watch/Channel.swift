import Shared

/// One resource within the hub: its recent changes and its watchers, found by what they may see.
struct Channel {
    struct Listener {
        let subscription: Subscription
        /// The watcher has seen everything up to here; a change is offered to it once.
        var seen: Revision
    }
    private(set) var ring: ChangeRing
    /// Those of each scope, the oldest first.
    private var listeners: [Subscription.Scope: [Listener]] = [:]

    init(floor: Revision) { ring = ChangeRing(floor: floor) }

    var count: Int { listeners.values.reduce(0) { $0 + $1.count } }

    mutating func add(_ subscription: Subscription, seen: Revision) {
        listeners[subscription.scope, default: []].append(Listener(subscription: subscription, seen: seen))
    }

    mutating func remove(_ subscription: Subscription) {
        let scope = subscription.scope
        guard let index = listeners[scope]?.firstIndex(where: { $0.subscription === subscription }) else { return }
        listeners[scope]?.remove(at: index)
        if listeners[scope]?.isEmpty == true { listeners[scope] = nil }
    }

    /// Keeps a change and offers it to the watchers that may see it; the actions are for after the lock.
    mutating func publish(_ change: Change, _ actions: inout [Backlog.Action]) {
        ring.append(change)
        for scope in Subscription.Scope.around(change.key) {
            guard let group = listeners[scope] else { continue }
            for listener in group where listener.seen < change.revision {
                guard let frame = WatchFrame(change, matches: listener.subscription.matches) else { continue }
                offer(frame, to: listener.subscription, &actions)
            }
        }
    }

    /// Offers bookmarks to those that asked for them; `head` is the last published revision.
    mutating func bookmark(_ head: Revision, _ actions: inout [Backlog.Action]) {
        for group in listeners.values {
            for listener in group {
                guard let empty = listener.subscription.bookmarks else { continue }
                let frame = WatchFrame(bookmark: empty, at: max(head, listener.seen))
                offer(frame, to: listener.subscription, &actions)
            }
        }
    }

    /// Offers a bookmark to one watcher.
    mutating func bookmark(_ subscription: Subscription, _ head: Revision, _ actions: inout [Backlog.Action]) {
        guard let empty = subscription.bookmarks,
            let listener = listeners[subscription.scope]?.first(where: { $0.subscription === subscription })
        else { return }
        offer(WatchFrame(bookmark: empty, at: max(head, listener.seen)), to: subscription, &actions)
    }

    private mutating func offer(
        _ frame: WatchFrame, to subscription: Subscription, _ actions: inout [Backlog.Action]
    ) {
        let (offer, action) = subscription.offer(frame)
        if case .resume = action { actions.append(action) }
        if offer == .isFull { remove(subscription) }
    }
}
