import Shared

extension Limits {
    /// Writes that may wait for the commit loop; one more is refused with 429.
    static let writesQueuedMax = 10_000
    /// Bodies of one commit; the others wait for the next.
    static let batchWritesMax = 512
    /// Bytes of encoded objects after which a commit takes no more bodies.
    static let batchBytesMax = 16 * 1024 * 1024
    /// Objects that one page of a shelf holds before it is split in two.
    static let shelfPageMax = 512
    /// Pages of the write-ahead log after which it is copied into the database beside the running commits.
    static let walPagesSoftMax = 1_000
    /// Pages of the write-ahead log after which commits wait until it starts over.
    static let walPagesHardMax = 16_000
    /// Rows that one compaction step may read or purge; commits wait for at most one step.
    static let compactionRowsMax = 256
    /// Milliseconds that a connection waits for the other one's lock.
    static let databaseBusyMilliseconds: Int32 = 10_000
    /// Expired events that are handed out at once.
    static let expiredPageMax = 500
}
