import Synchronization

/// Keys that wait to be reconciled. Fair: first come, first served. Stingy: a key is processed once however often it
/// was added, and never twice at the same time; added while it is processed, it comes again afterwards.
/// Source: the four properties of client-go's `workqueue`. A class: one queue that handlers, timer and workers share.
package final class WorkQueue: Sendable {
    fileprivate struct State {
        var ready: [ObjectKey] = []
        var head = 0
        var waiting: Set<ObjectKey> = []
        var active: Set<ObjectKey> = []
        var failures: [ObjectKey: Backoff] = [:]
        /// Keys that come later; the earliest time of a key counts.
        var due: [ObjectKey: Duration] = [:]
        var isClosed = false
        var takers: [CheckedContinuation<ObjectKey?, Never>] = []
        var sleeper: CheckedContinuation<Void, Never>?
        var earliestSeen: Duration?
    }
    private let state = Mutex(State())
    private let clock: any WallClock
    private let backoff: Backoff

    package init(clock: any WallClock, backoff: Backoff = Backoff(first: .milliseconds(5), most: .seconds(60))) {
        self.clock = clock
        self.backoff = backoff
    }

    package func add(_ key: ObjectKey) { perform(state.withLock { $0.add(key) }) }

    /// Adds the key once `delay` has passed; an earlier wish for the same key stays.
    package func add(_ key: ObjectKey, after delay: Duration) {
        guard delay > .zero else { return add(key) }
        let time = clock.uptime() + delay
        let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isClosed, state.due[key].map({ time < $0 }) ?? true else { return nil }
            state.due[key] = time
            guard state.earliestSeen.map({ time < $0 }) ?? true else { return nil }
            return state.sleeper.take()
        }
        sleeper?.resume()
    }

    /// Adds the key after a time that doubles with each failure.
    package func retry(_ key: ObjectKey) {
        let delay = state.withLock { state in state.failures[key, default: backoff].next() }
        add(key, after: delay)
    }

    /// Forgets the failures of a key.
    package func succeed(_ key: ObjectKey) { state.withLock { _ = $0.failures.removeValue(forKey: key) } }

    /// The next key, which is the caller's until `done`; nil when the queue is closed.
    package func next() async -> ObjectKey? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isDecided, key) = state.withLock { $0.take(continuation) }
                if isDecided { continuation.resume(returning: key) }
            }
        } onCancel: {
            close()
        }
    }

    /// Ends the processing of a key that `next` gave.
    package func done(_ key: ObjectKey) { perform(state.withLock { $0.done(key) }) }

    package func close() {
        let (takers, sleeper) = state.withLock { state in
            state.isClosed = true
            defer { state.takers = [] }
            return (state.takers, state.sleeper.take())
        }
        for taker in takers { taker.resume(returning: nil) }
        sleeper?.resume()
    }

    /// Keys that are ready or being processed; 0 means idle, but for delayed keys.
    package var depth: Int { state.withLock { $0.waiting.count + $0.active.count } }
    /// Keys that wait for their time.
    package var delayed: Int { state.withLock { $0.due.count } }
    /// The uptime at which the next delayed key comes; nil when none waits.
    package var nextDue: Duration? { state.withLock { $0.due.values.min() } }

    /// Moves delayed keys to the queue when their time comes. Runs until the queue is closed or the task cancelled.
    package func runTimer() async throws {
        while true {
            try Task.checkCancellation()
            let now = clock.uptime()
            let (ripe, earliest, isClosed) = state.withLock { $0.takeRipe(now) }
            if isClosed { return }
            for key in ripe { add(key) }
            try await sleep(until: earliest)
        }
    }

    private func sleep(until earliest: Duration?) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForEarlier() }
            if let earliest {
                let delay = earliest - clock.uptime()
                group.addTask { [clock] in try await clock.sleep(for: max(.zero, delay)) }
            }
            defer {
                group.cancelAll()
                state.withLock { $0.sleeper.take() }?.resume()
            }
            try await group.next()
        }
    }

    /// Returns when a key is added that is due before all others, when the queue closes, or on cancellation.
    private func waitForEarlier() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isLate = state.withLock { state in
                    let earliest = state.due.values.min()
                    if state.isClosed || Task.isCancelled || earliest != state.earliestSeen { return true }
                    state.sleeper = continuation
                    return false
                }
                if isLate { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleeper.take() }?.resume()
        }
    }

    private func perform(_ action: State.Action?) {
        if let action { action.taker.resume(returning: action.key) }
    }
}

extension WorkQueue.State {
    struct Action {
        let taker: CheckedContinuation<ObjectKey?, Never>
        let key: ObjectKey
    }

    mutating func add(_ key: ObjectKey) -> Action? {
        guard !isClosed, waiting.count < Limits.queueKeysMax, waiting.insert(key).inserted else { return nil }
        guard !active.contains(key) else { return nil }
        return hand(key)
    }

    mutating func done(_ key: ObjectKey) -> Action? {
        active.remove(key)
        return waiting.contains(key) && !isClosed ? hand(key) : nil
    }

    private mutating func hand(_ key: ObjectKey) -> Action? {
        guard !takers.isEmpty else {
            ready.append(key)
            return nil
        }
        waiting.remove(key)
        active.insert(key)
        return Action(taker: takers.removeFirst(), key: key)
    }

    mutating func take(_ taker: CheckedContinuation<ObjectKey?, Never>) -> (isDecided: Bool, ObjectKey?) {
        if isClosed { return (true, nil) }
        guard head < ready.count else {
            takers.append(taker)
            return (false, nil)
        }
        let key = ready[head]
        head += 1
        if head > 1024, head * 2 > ready.count {
            ready.removeFirst(head)
            head = 0
        }
        waiting.remove(key)
        active.insert(key)
        return (true, key)
    }

    mutating func takeRipe(_ now: Duration) -> (ripe: [ObjectKey], earliest: Duration?, isClosed: Bool) {
        let ripe = due.filter { $0.value <= now }.map(\.key).sorted()
        for key in ripe { due[key] = nil }
        earliestSeen = due.values.min()
        return (ripe, earliestSeen, isClosed)
    }
}
