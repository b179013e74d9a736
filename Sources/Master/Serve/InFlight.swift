import Shared
import Synchronization

/// How many requests are being answered and how many watches are open. A class: the server's tasks share it.
///
/// What comes above the bounds is refused at once with 429, so that a flood costs little and those who were first are
/// served. The cluster's own administrators and parts are never refused. Source: kube-apiserver
/// `--max-requests-inflight`, `--max-mutating-requests-inflight`.
final class InFlight: Sendable {
    enum Kind: Sendable, CaseIterable { case read, write, watch }
    struct Bounds: Sendable {
        var reads = Limits.readsInFlightMax
        var writes = Limits.writesInFlightMax
        var watches = Limits.watchersMax
    }
    private let bounds: Bounds
    private let counts = Mutex<[Kind: Int]>([:])

    init(_ bounds: Bounds = Bounds()) { self.bounds = bounds }

    func count(_ kind: Kind) -> Int { counts.withLock { $0[kind] ?? 0 } }

    /// Enters a request; every one that is entered has to leave.
    /// - Throws: 429 above the bound.
    func enter(_ kind: Kind, isExempt: Bool) throws(Status) {
        let most =
            switch kind {
            case .read: bounds.reads
            case .write: bounds.writes
            case .watch: bounds.watches
            }
        let isTaken = counts.withLock { counts in
            let count = counts[kind] ?? 0
            guard count < most || isExempt else { return false }
            counts[kind] = count + 1
            return true
        }
        guard isTaken else {
            var status = Status(.tooManyRequests, "Too many requests, please try again later.")
            status.retryAfterSeconds = 1
            throw status
        }
    }

    func leave(_ kind: Kind) { counts.withLock { $0[kind] = max(0, ($0[kind] ?? 0) - 1) } }
}

extension Limits {
    /// Requests that read and are answered at the same time; further ones are refused with 429.
    static let readsInFlightMax = 400
    /// Requests that write and are answered at the same time; further ones are refused with 429.
    static let writesInFlightMax = 200
    /// Watches that are open at the same time; further ones are refused with 429.
    static let watchersMax = 10_000
}
