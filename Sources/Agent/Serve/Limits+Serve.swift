import Shared

extension Limits {
    /// How often a followed log is looked at, milliseconds.
    static let logPollMilliseconds = 100
    /// Records that one look at a log keeps in memory; of more, the oldest are left out.
    static let logRecordsMax = 1_000_000
}
