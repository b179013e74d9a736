import Shared
import Synchronization

/// Messages on their way to the reducer. Waiting takes the whole batch.
final class Mailbox: Sendable {
    private struct State {
        var messages: [Message] = []
        var waiter: CheckedContinuation<Void, Never>?
        /// Of a pause between two frames, which a key ends.
        var pause: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func put(_ message: Message) {
        let waiter = state.withLock { state in
            // Ticks do not pile up behind a busy reducer.
            if case .tick = message, state.messages.contains(where: { if case .tick = $0 { true } else { false } }) {
                return nil as CheckedContinuation<Void, Never>?
            }
            state.messages.append(message)
            return state.waiter.take() ?? (message.isInput ? state.pause.take() : nil)
        }
        waiter?.resume()
    }

    /// Waits for a time, or until a key comes.
    func pause(_ time: Duration, _ clock: any WallClock) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.messages.contains(where: \.isInput) { return true }
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

    func take() async -> [Message] {
        while true {
            let batch = takeNow()
            if !batch.isEmpty { return batch }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.messages.isEmpty { state.waiter = continuation }
                    return !state.messages.isEmpty
                }
                if isReady { continuation.resume() }
            }
        }
    }

    /// What waits now, perhaps nothing.
    func takeNow() -> [Message] {
        state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }
}
