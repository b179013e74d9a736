import Shared
import Synchronization

/// Spreads committed changes to watchers, in the order of revisions.
///
/// The promise to a watcher that begins after revision N: it sees every change after N that concerns it, each once, and
/// no other, however slow it is, as long as the history reaches back. Recent changes come from a ring in memory, older
/// ones from the change log. A class: the store's commit
/// thread and all watchers share it.
final class Hub: Sendable {
    private struct State {
        var channels: [GroupResource: Channel] = [:]
        /// The last revision that was published.
        var head: Revision
        /// Before it nothing is in any ring.
        let start: Revision
    }
    let log: ChangeLog
    private let state: Mutex<State>

    /// The caller then lets the store publish to this hub, before the first write.
    init(log: ChangeLog) {
        self.log = log
        let head = log.head()
        state = Mutex(State(head: head, start: head))
    }

    /// Takes changes that are on disk; called by the store in the order of revisions.
    func publish(_ changes: [Change]) {
        var actions: [Backlog.Action] = []
        state.withLock { state in
            for change in changes {
                precondition(change.revision > state.head, "a published revision went back")
                state.head = change.revision
                let floor = state.start
                state.channels[change.key.resource, default: Channel(floor: floor)].publish(change, &actions)
            }
        }
        // No continuation resumes inside the lock.
        for action in actions { action.perform() }
    }

    /// Begins a watch of a resource after a revision.
    ///
    /// - Parameters:
    ///   - name: only the object of this name, for watchers of one object.
    ///   - initial: the objects of a list at `after`, which are sent first as ADDED. Those that do not match are left
    ///     out.
    ///   - bookmarks: the empty object that bookmarks carry; nil for none.
    ///   - endsInitial: with `bookmarks`, a bookmark marks the end of the initial objects.
    ///   - matches: the selectors; pure and quick, it runs for every change of the resource.
    /// A revision in the future is waited for: nothing before it is seen.
    /// - Throws: 410 when changes after `after` were compacted.
    func watch(
        _ resource: GroupResource, namespace: String? = nil, name: String? = nil, after: Revision,
        initial: [Stored]? = nil, bookmarks: JSON? = nil, endsInitial: Bool = true,
        matches: @escaping @Sendable (Projection, ObjectKey) -> Bool = { _, _ in true }
    ) throws(Status) -> Watcher {
        let isRecent = state.withLock { state in
            after >= state.channels[resource, default: Channel(floor: state.start)].ring.floor
        }
        let floor = log.floor(resource)
        guard isRecent || after >= floor else { throw .tooOld(after, floor: floor) }
        let scope = Subscription.Scope(namespace: namespace, name: name)
        let subscription = Subscription(resource, scope: scope, bookmarks: bookmarks, matches: matches)
        return Watcher(
            subscription, namespace: namespace, hub: self, after: after, initial: initial, endsInitial: endsInitial)
    }

    /// Sends a bookmark to the watchers of a resource that asked for them.
    func bookmark(_ resource: GroupResource) {
        var actions: [Backlog.Action] = []
        state.withLock { state in
            let head = state.head
            state.channels[resource]?.bookmark(head, &actions)
        }
        for action in actions { action.perform() }
    }

    /// Sends a bookmark to one watcher, when it is caught up.
    func bookmark(_ subscription: Subscription) {
        var actions: [Backlog.Action] = []
        state.withLock { state in
            let head = state.head
            state.channels[subscription.resource]?.bookmark(subscription, head, &actions)
        }
        for action in actions { action.perform() }
    }

    /// The resources that have been watched or changed.
    var resources: [GroupResource] { state.withLock { Array($0.channels.keys) } }
    /// Watchers that are caught up and get changes as they happen.
    func watchers(of resource: GroupResource) -> Int { state.withLock { $0.channels[resource]?.count ?? 0 } }

    /// One step of a watcher towards the present.
    enum CatchUp {
        /// It has seen everything after these frames, and gets what comes.
        case present([WatchFrame])
        /// It has seen everything up to this revision after these frames.
        case behind([WatchFrame], Revision)
        /// What it has missed is in the change log only.
        case past
    }

    func catchUp(_ subscription: Subscription, after: Revision) -> CatchUp {
        state.withLock { state in
            let start = state.start
            return state.channels[subscription.resource, default: Channel(floor: start)].catchUp(subscription, after)
        }
    }

    func remove(_ subscription: Subscription) {
        state.withLock { $0.channels[subscription.resource]?.remove(subscription) }
    }
}

extension Channel {
    /// Hands over what the ring has after a revision, and joins the watcher when that is all.
    fileprivate mutating func catchUp(_ subscription: Subscription, _ after: Revision) -> Hub.CatchUp {
        guard let missed = ring.after(after) else { return .past }
        var frames: [WatchFrame] = []
        var seen = after
        for change in missed {
            if frames.count == Limits.catchUpFramesMax { return .behind(frames, seen) }
            if let frame = subscription.frame(change) { frames.append(frame) }
            seen = change.revision
        }
        // One that was cancelled meanwhile must not be joined: nobody would remove it.
        if !subscription.isClosed {
            subscription.rejoin()
            add(subscription, seen: seen)
        }
        return .present(frames)
    }
}
