import Shared

/// The frames that wait for one watcher: a state machine without lock, task or clock.
struct Backlog {
    typealias Waiter = CheckedContinuation<[WatchFrame]?, Never>

    private enum State {
        case idle([WatchFrame])
        /// The watcher's task waits for the next frame.
        case waiting(Waiter)
        /// As many frames as may wait. What follows is not kept: the watcher looks for it once it has these.
        case full([WatchFrame])
        /// The watcher has taken the frames of `full` and looks for what it has missed since.
        case behind
        case closed
    }
    private var state = State.idle([])

    /// What is to be done after the lock is released.
    enum Action {
        case none
        case resume(Waiter, [WatchFrame]?)

        func perform() { if case .resume(let waiter, let frames) = self { waiter.resume(returning: frames) } }
    }
    enum Offer { case taken, isFull }

    var isClosed: Bool { if case .closed = state { true } else { false } }
    /// Whether no frame waits.
    var isIdle: Bool {
        switch state {
        case .idle(let frames): frames.isEmpty
        case .waiting: true
        case .full, .behind, .closed: false
        }
    }
    /// Whether frames were not kept since the last one that was taken.
    var isBehind: Bool { if case .behind = state { true } else { false } }

    /// Adds a frame, unless too many wait.
    mutating func offer(_ frame: WatchFrame) -> (Offer, Action) {
        switch state {
        case .waiting(let waiter):
            state = .idle([])
            return (.taken, .resume(waiter, [frame]))
        case .idle(let frames) where frames.count >= Limits.backlogFramesMax:
            state = .full(frames)
            return (.isFull, .none)
        case .idle(var frames):
            state = .closed  // Lets go of the frames, so that the next line changes them in place.
            frames.append(frame)
            state = .idle(frames)
            return (.taken, .none)
        case .full, .behind, .closed: return (.taken, .none)
        }
    }

    /// Asks for all waiting frames. One task at a time may wait.
    mutating func take(_ waiter: Waiter) -> Action {
        switch state {
        case .idle(let frames) where frames.isEmpty:
            state = .waiting(waiter)
            return .none
        case .idle(let frames):
            state = .idle([])
            return .resume(waiter, frames)
        case .full(let frames):
            state = .behind
            return .resume(waiter, frames)
        case .behind: preconditionFailure("a watcher that is behind has to catch up")
        case .closed: return .resume(waiter, nil)
        case .waiting: preconditionFailure("two tasks read one watcher")
        }
    }

    /// The watcher has caught up: frames are kept again.
    mutating func rejoin() { if case .behind = state { state = .idle([]) } }

    mutating func close() -> Action {
        defer { state = .closed }
        if case .waiting(let waiter) = state { return .resume(waiter, nil) }
        return .none
    }
}
