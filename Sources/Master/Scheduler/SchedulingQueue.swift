import Shared

/// The pods that wait for a place: those whose turn it is, the most important first, and those that fit nowhere, with
/// what may change that. Pure; the scheduler acts on its answers.
struct SchedulingQueue: Sendable {
    private enum Phase: Sendable, Equatable {
        case ready
        /// Somebody is placing it; `isStale` when its object changed meanwhile.
        case active(isStale: Bool)
        /// Nothing that was seen so far helps it.
        case parked(refusers: Set<Int>, since: Duration)
        /// On its way back; not to be tried before `until`.
        case backingOff(until: Duration)
    }
    private struct Entry: Sendable {
        var pod: PodDemand?
        var priority: Int
        /// Tells the entries of the heap that still count.
        var ticket: Int
        var attempts = 0
        /// When its last attempt failed, it is not tried again before this uptime.
        var until = Duration.zero
        var phase: Phase
    }
    private struct Waiting: Sendable {
        let priority: Int
        let ticket: Int
        let key: ObjectKey

        func precedes(_ other: Waiting) -> Bool {
            priority != other.priority ? priority > other.priority : ticket < other.ticket
        }
    }
    private var entries: [ObjectKey: Entry] = [:]
    /// A binary heap; entries that no longer count are dropped when they come up.
    private var heap: [Waiting] = []
    private var tickets = 0
    /// Parked pods by the kind of change that may help.
    private var parked: [ClusterChange: Set<ObjectKey>] = [:]
    private let first: Duration
    private let most: Duration

    /// Source: `podInitialBackoffSeconds`, `podMaxBackoffSeconds`.
    init(first: Duration = .seconds(1), most: Duration = .seconds(10)) {
        self.first = first
        self.most = most
    }

    /// Pods whose turn it is.
    var readyCount: Int { entries.values.count { $0.phase == .ready } }

    /// The pod is new or its object has changed: it gets its turn.
    mutating func add(_ key: ObjectKey, priority: Int) {
        if case .active = entries[key]?.phase {
            entries[key]?.phase = .active(isStale: true)
            entries[key]?.priority = priority
            return
        }
        unpark(key)
        push(key, priority: priority)
    }

    private mutating func push(_ key: ObjectKey, priority: Int) {
        tickets += 1
        var entry = entries[key] ?? Entry(priority: priority, ticket: tickets, phase: .ready)
        entry.priority = priority
        entry.ticket = tickets
        entry.phase = .ready
        entries[key] = entry
        heap.append(Waiting(priority: priority, ticket: tickets, key: key))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The most important pod whose turn it is. It is the caller's until `place`, `park` or `forget`.
    mutating func next() -> ObjectKey? {
        while let top = heap.first {
            removeTop()
            guard let entry = entries[top.key], entry.ticket == top.ticket, entry.phase == .ready else { continue }
            entries[top.key]?.phase = .active(isStale: false)
            return top.key
        }
        return nil
    }

    private mutating func removeTop() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var best = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[best]) {
                best = child
            }
            if best == parent { return }
            heap.swapAt(parent, best)
            parent = best
        }
    }

    /// Notes a failed attempt: nothing but an event that a refuser says may help brings the pod back.
    /// - Returns: true when the pod changed while it was being placed, and has its turn again.
    mutating func park(
        _ pod: PodDemand, refusers: Set<Int>, of filters: [Filter], now: Duration
    ) -> Bool {
        let key = pod.key
        guard var entry = entries[key] else { return false }
        entry.attempts += 1
        entry.until = now + Backoff.delay(afterFailures: entry.attempts - 1, first: first, most: most)
        entry.pod = pod
        if case .active(isStale: true) = entry.phase {
            entries[key] = entry
            push(key, priority: entry.priority)
            return true
        }
        guard entries.count <= Limits.waitingPodsMax else {
            entries[key] = nil
            return false
        }
        entry.phase = .parked(refusers: refusers, since: now)
        entries[key] = entry
        for change in SchedulingQueue.changes(refusers, filters) { parked[change, default: []].insert(key) }
        return false
    }

    /// The attempt failed for a reason that time may heal.
    /// - Returns: how long to wait.
    mutating func backOff(_ key: ObjectKey, now: Duration) -> Duration {
        guard var entry = entries[key] else { return .zero }
        entry.attempts += 1
        let delay = Backoff.delay(afterFailures: entry.attempts - 1, first: first, most: most)
        entry.until = now + delay
        entry.phase = .backingOff(until: entry.until)
        entries[key] = entry
        return delay
    }

    mutating func forget(_ key: ObjectKey) {
        unpark(key)
        entries[key] = nil
    }

    private mutating func unpark(_ key: ObjectKey) {
        guard case .parked = entries[key]?.phase else { return }
        for change in Array(parked.keys) { parked[change]?.remove(key) }
    }

    private static func changes(_ refusers: Set<Int>, _ filters: [Filter]) -> [ClusterChange] {
        // Without a refuser there was no node: any node helps.
        let wakes =
            refusers.isEmpty ? .node : refusers.reduce(into: ClusterChange()) { $0.formUnion(filters[$1].wakes) }
        return [.node, .podLeft, .podCame, .volume, .namespace].filter { wakes.contains($0) }
    }

    /// The parked pods for which the event is worth another try, and how long each still has to wait.
    /// - Parameter filters: those of the profile of a pod.
    mutating func wake(
        by event: ClusterEvent, now: Duration, filters: (PodDemand) -> [Filter]
    ) -> [(key: ObjectKey, after: Duration)] {
        guard let keys = parked[event.change], !keys.isEmpty else { return [] }
        var woken: [(ObjectKey, Duration)] = []
        for key in keys {
            guard let entry = entries[key], case .parked(let refusers, _) = entry.phase, let pod = entry.pod else {
                continue
            }
            let filters = filters(pod)
            let mayHelp =
                refusers.isEmpty
                || refusers.contains { filters[$0].wakes.contains(event.change) && filters[$0].helps(pod, event) }
            guard mayHelp else { continue }
            unpark(key)
            entries[key]?.phase = .backingOff(until: entry.until)
            woken.append((key, max(.zero, entry.until - now)))
        }
        return woken
    }

    /// To be called when a pod was to come back: gives it its turn when its time has come.
    /// - Returns: how long it has to wait yet; nil when there is nothing to wait for.
    mutating func ripen(_ key: ObjectKey, now: Duration) -> Duration? {
        guard let entry = entries[key] else { return nil }
        switch entry.phase {
        case .ready, .active: return nil
        case .backingOff(let until):
            if until > now { return until - now }
        case .parked(_, let since):
            let wait = since + Limits.parkedPodWait - now
            if wait > .zero { return wait }
            unpark(key)
        }
        push(key, priority: entry.priority)
        return nil
    }
}
