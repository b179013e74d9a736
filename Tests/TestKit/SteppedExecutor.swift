import Dispatch
import Glibc
import Synchronization

/// Runs all tasks of a test one job after the other, so that the same seed gives the same course of events.
///
/// What other threads hand in (answers of a store) waits until nothing else is left to run; then the gates are opened
/// one by one, each lets its thread finish what was asked of it, and its answers follow in their order. When that brings
/// nothing either, everything that could happen has happened, and `settled` returns. A class: it owns the thread.
package final class SteppedExecutor: TaskExecutor {
    /// Lets one outside thread do all that was asked of it, and returns when it is at rest.
    package typealias Gate = @Sendable () -> Void
    package struct Restless: Error {}

    fileprivate struct State {
        var ready: [UnownedJob] = []
        var head = 0
        var fromOutside: [UnownedJob] = []
        var gates: [Int: Gate] = [:]
        var nextGate = 0
        var runner: pthread_t?
        var isScheduled = false
        var waiters: [(jobs: Int, continuation: CheckedContinuation<Void, any Error>)] = []
        var random: Seed?

        /// The next job: the oldest, or with a seed any of those that are ready.
        mutating func next() -> UnownedJob? {
            guard head < ready.count else {
                ready.removeAll(keepingCapacity: true)
                head = 0
                return nil
            }
            if let pick = random?.next() {
                ready.swapAt(head, head + Int(pick % UInt64(ready.count - head)))
            }
            defer { head += 1 }
            return ready[head]
        }
    }
    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "stepped")

    /// - Parameter order: chooses among the jobs that are ready; nil runs the oldest first.
    package init(order: Seed? = nil) {
        var state = State()
        state.random = order
        self.state = Mutex(state)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let starts = state.withLock { state in
            if let runner = state.runner, pthread_equal(runner, pthread_self()) != 0 {
                state.ready.append(job)
            } else {
                state.fromOutside.append(job)
            }
            return state.schedules()
        }
        if starts { queue.async { self.run() } }
    }

    /// Adds a gate; the result takes it away again.
    package func add(_ gate: @escaping Gate) -> Int {
        state.withLock { state in
            state.nextGate += 1
            state.gates[state.nextGate] = gate
            return state.nextGate
        }
    }
    package func removeGate(_ number: Int) { state.withLock { _ = $0.gates.removeValue(forKey: number) } }

    /// Returns when nothing is left to run.
    /// - Throws: `Restless` when that takes more than `jobs` jobs.
    package func settled(within jobs: Int = 200_000) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let starts = state.withLock { state in
                state.waiters.append((jobs, continuation))
                return state.schedules()
            }
            if starts { queue.async { self.run() } }
        }
    }

    private func run() {
        state.withLock { $0.runner = pthread_self() }
        var count = 0
        while true {
            while let job = state.withLock({ $0.next() }) {
                job.runSynchronously(on: asUnownedTaskExecutor())
                count += 1
                if count % 4096 == 0, let restless = state.withLock({ $0.takeRestless(after: count) }) {
                    restless.resume(throwing: Restless())
                }
            }
            let gates = state.withLock { state in state.gates.sorted { $0.key < $1.key }.map(\.value) }
            for gate in gates { gate() }
            switch state.withLock({ $0.turn() }) {
            case .goOn: break
            case .tell(let waiters):
                count = 0
                for waiter in waiters { waiter.resume() }
            case .rest: return
            }
        }
    }

    fileprivate enum Turn { case goOn, tell([CheckedContinuation<Void, any Error>]), rest }
}

extension SteppedExecutor.State {
    /// Whether the caller has to start the thread.
    fileprivate mutating func schedules() -> Bool {
        defer { isScheduled = true }
        return !isScheduled
    }

    fileprivate mutating func takeRestless(after count: Int) -> CheckedContinuation<Void, any Error>? {
        guard let index = waiters.firstIndex(where: { $0.jobs < count }) else { return nil }
        return waiters.remove(at: index).continuation
    }

    fileprivate mutating func turn() -> SteppedExecutor.Turn {
        if !fromOutside.isEmpty {
            ready += fromOutside
            fromOutside = []
            return .goOn
        }
        if !ready.isEmpty { return .goOn }
        if !waiters.isEmpty {
            defer { waiters = [] }
            return .tell(waiters.map(\.continuation))
        }
        isScheduled = false
        runner = nil
        return .rest
    }
}
