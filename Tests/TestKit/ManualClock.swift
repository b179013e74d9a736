package import Shared
import Synchronization

/// A clock that stands still until a test advances it. Both of its times move together.
package final class ManualClock: WallClock {
    private struct Sleeper {
        let wakes: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }
    private struct State {
        var time: Timestamp
        var uptime = Duration.zero
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var nextID = 0
        /// Tests that wait until so many sleep.
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

        mutating func satisfiedWatchers() -> [CheckedContinuation<Void, Never>] {
            let count = sleepers.count
            defer { watchers.removeAll { $0.count <= count } }
            return watchers.filter { $0.count <= count }.map(\.continuation)
        }
    }
    private let state: Mutex<State>

    /// Starts at 2026-01-01T00:00:00Z unless told otherwise.
    package init(_ start: Timestamp = Timestamp(seconds: 1_767_225_600)) { state = Mutex(State(time: start)) }

    package func now() -> Timestamp { state.withLock { $0.time } }
    package func uptime() -> Duration { state.withLock { $0.uptime } }

    package func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                enum Start { case ready, cancelled, asleep([CheckedContinuation<Void, Never>]) }
                let start: Start = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .cancelled }
                    if duration <= .zero { return .ready }
                    state.sleepers[id] = Sleeper(wakes: state.uptime + duration, continuation: continuation)
                    return .asleep(state.satisfiedWatchers())
                }
                switch start {
                case .ready: continuation.resume()
                case .cancelled: continuation.resume(throwing: CancellationError())
                case .asleep(let watchers): for watcher in watchers { watcher.resume() }
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// The uptime at which the next sleeper wakes; nil while nobody sleeps.
    package var nextWake: Duration? { state.withLock { $0.sleepers.values.map(\.wakes).min() } }

    /// How many tasks sleep now.
    package var sleepers: Int { state.withLock { $0.sleepers.count } }

    /// Returns when at least `count` tasks sleep.
    package func waitForSleepers(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// Moves the wall clock alone: the machine slept, or somebody set its clock.
    package func jump(by duration: Duration) { state.withLock { $0.time = $0.time + duration } }

    /// Moves time on and wakes those whose time has come, in their order.
    package func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.time = state.time + duration
            state.uptime += duration
            let due = state.sleepers.filter { $0.value.wakes <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.wakes, $0.key) < ($1.value.wakes, $1.key) }.map(\.value)
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }
}
