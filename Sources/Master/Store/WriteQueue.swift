import Shared

/// The writes that wait for the commit loop. A value: the store keeps it behind a lock.
struct WriteQueue: Sendable {
    /// One queued body, with its result's type hidden.
    struct Request: Sendable {
        let attempt: @Sendable (inout Transaction) -> Attempt
    }
    /// A body that has run.
    struct Attempt: Sendable {
        /// Whether its changes are to be committed.
        let keeps: Bool
        /// Resumes the caller: with what stopped the commit, or nil when it is done.
        let finish: @Sendable (Status?) -> Void
    }
    enum Added { case first, later, refused }

    private var waiting: [Request] = []
    /// Whether the commit loop was called and has not yet found the queue empty.
    private var isCalled = false
    /// The last revision that was ever given to a change, committed or not.
    var last: Revision

    init(last: Revision) { self.last = last }

    /// No write waits and none is being committed.
    var isIdle: Bool { !isCalled }

    /// Queues a request; after `first` the caller calls the commit loop.
    mutating func add(_ request: Request) -> Added {
        guard waiting.count < Limits.writesQueuedMax else { return .refused }
        waiting.append(request)
        defer { isCalled = true }
        return isCalled ? .later : .first
    }

    mutating func take() -> [Request] {
        let taken = Array(waiting.prefix(Limits.batchWritesMax))
        waiting.removeFirst(taken.count)
        return taken
    }

    mutating func putBack(_ requests: ArraySlice<Request>) { waiting.insert(contentsOf: requests, at: 0) }

    /// Ends one round of the loop; true asks for another.
    mutating func endRound() -> Bool {
        isCalled = !waiting.isEmpty
        return isCalled
    }
}
