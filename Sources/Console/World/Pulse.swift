import Shared

/// How the API server answers a small question asked every few seconds.
enum Pulse: Equatable, Sendable {
    case unknown
    case up(version: String)
    case down(since: Timestamp, why: String)
}
