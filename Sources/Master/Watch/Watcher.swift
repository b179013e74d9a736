import Shared
import Synchronization

/// The reading end of one watch. Its end, its cancellation or its task's takes it off the hub.
///
/// It goes through three phases: the objects that were there, the changes that it has missed, and those that happen.
/// Only in the last one frames are queued for it; before that a slow reader costs nothing. One for whom too many wait goes
/// back to catching up.
final class Watcher: Sendable {
    private enum Phase {
        case initial(ArraySlice<Stored>)
        case catchingUp(after: Revision)
        case live
        case ended
    }
    private struct State {
        var phase: Phase
        /// Frames that `next` has not handed out yet.
        var ready: ArraySlice<WatchFrame> = []
    }
    private let subscription: Subscription
    private let namespace: String?
    private let hub: Hub
    private let after: Revision
    private let endsInitial: Bool
    private let state: Mutex<State>

    init(
        _ subscription: Subscription, namespace: String?, hub: Hub, after: Revision, initial: [Stored]?,
        endsInitial: Bool
    ) {
        self.subscription = subscription
        self.namespace = namespace
        self.hub = hub
        self.after = after
        self.endsInitial = endsInitial
        state = Mutex(State(phase: initial.map { .initial($0[...]) } ?? .catchingUp(after: after)))
    }

    deinit { hub.remove(subscription) }

    /// Whether the watcher is caught up and no frame waits for it.
    var isIdle: Bool {
        state.withLock { state in
            if case .live = state.phase { state.ready.isEmpty && subscription.isIdle } else { false }
        }
    }

    /// The next frame; nil at the end. One task at a time reads a watcher.
    func next() async -> WatchFrame? {
        if let frame = state.withLock({ $0.ready.popFirst() }) { return frame }
        guard let frames = await batch() else { return nil }
        state.withLock { $0.ready = frames.dropFirst() }
        return frames.first
    }

    /// All frames that are ready, at least one; nil at the end. One task at a time reads a watcher.
    func batch() async -> [WatchFrame]? {
        await withTaskCancellationHandler {
            while !subscription.isClosed {
                guard let frames = await step() else { return nil }
                if !frames.isEmpty { return frames }
            }
            return nil
        } onCancel: {
            cancel()
        }
    }

    /// Tells the reader how far it has seen, when it wants to know and is caught up.
    func bookmark() { hub.bookmark(subscription) }

    /// Ends the watch; a reader that waits gets nil.
    func cancel() {
        subscription.close()
        hub.remove(subscription)
    }

    /// Goes one step on; no frames means that there is another step.
    private func step() async -> [WatchFrame]? {
        let phase = state.withLock { $0.phase }
        switch phase {
        case .initial(let objects): return present(objects)
        case .catchingUp(let after): return await catchUp(after: after)
        case .live:
            let frames = await subscription.take()
            if subscription.isBehind, let last = frames?.last { enter(.catchingUp(after: last.revision)) }
            return frames
        case .ended: return nil
        }
    }

    private func present(_ objects: ArraySlice<Stored>) -> [WatchFrame] {
        let part = objects.prefix(Limits.catchUpFramesMax)
        let rest = objects.dropFirst(part.count)
        var frames = part.filter { subscription.scope.covers($0.key) && subscription.matches($0.projection, $0.key) }
            .map { WatchFrame(present: $0) }
        if rest.isEmpty, endsInitial, let empty = subscription.bookmarks {
            frames.append(WatchFrame(bookmark: empty, at: after, endsInitial: true))
        }
        enter(rest.isEmpty ? .catchingUp(after: after) : .initial(rest))
        return frames
    }

    private func catchUp(after: Revision) async -> [WatchFrame] {
        switch hub.catchUp(subscription, after: after) {
        case .present(let frames):
            enter(.live)
            return frames
        case .behind(let frames, let seen):
            enter(.catchingUp(after: seen))
            return frames
        case .past:
            do throws(Status) {
                let page = try await hub.log.changes(
                    subscription.resource, namespace, after, Limits.catchUpFramesMax)
                enter(.catchingUp(after: page.upTo))
                return page.changes.compactMap { subscription.frame($0) }
            } catch {
                enter(.ended)
                return [WatchFrame(error: error, at: after)]
            }
        }
    }

    private func enter(_ phase: Phase) { state.withLock { $0.phase = phase } }
}
