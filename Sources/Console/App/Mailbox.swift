import Shared
import Synchronization

/// Messages on their way to the reducer. What a person waits for overtakes the cluster's news.
final class Mailbox: Sendable {
    private struct State {
        var urgent: [Message] = []
        var others: [Message] = []
        var waiter: CheckedContinuation<Void, Never>?
        /// Of a pause between two frames, which a key ends.
        var pause: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func put(_ message: Message) {
        let waiter = state.withLock { state in
            if message.isUrgent {
                state.urgent.append(message)
                return state.waiter.take() ?? state.pause.take()
            }
            // Ticks do not pile up behind a busy reducer.
            if case .tick = message, state.others.contains(where: { if case .tick = $0 { true } else { false } }) {
                return nil as CheckedContinuation<Void, Never>?
            }
            state.others.append(message)
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Waits for a time, or until something urgent comes.
    func pause(_ time: Duration, _ clock: any WallClock) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.urgent.isEmpty { return true }
                state.pause = continuation
                return false
            }
            guard !isOver else { return continuation.resume() }
            // An alarm bridges the clock to the continuation; one that a key has made needless may end a later pause early,
            // which costs nothing.
            Task {
                try? await clock.sleep(for: time)
                state.withLock { $0.pause.take() }?.resume()
            }
        }
    }

    /// Waits until there is a message.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if !state.urgent.isEmpty || !state.others.isEmpty { return true }
                state.waiter = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    var hasUrgent: Bool { state.withLock { !$0.urgent.isEmpty } }

    /// What is urgent now, perhaps nothing.
    func takeUrgent() -> [Message] {
        state.withLock { state in
            defer { state.urgent = [] }
            return state.urgent
        }
    }

    /// The cluster's news that wait now, perhaps none.
    func takeOthers() -> [Message] {
        state.withLock { state in
            defer { state.others = [] }
            return state.others
        }
    }
}
