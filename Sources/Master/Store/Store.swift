import Dispatch
import Glibc
import Shared
import Synchronization

/// All objects of the cluster: the latest state in memory, every kept revision in one SQLite file.
///
/// Reads of the latest state take a lock for less than a microsecond and never wait for the disk. Writes are queued
/// bodies that one loop on its own thread runs and commits in groups (`Store+Write.swift`). A class, because it owns
/// the file.
final class Store: Sendable {
    /// How the store keeps history and what it does to bytes on their way to the file.
    struct Options: Sendable {
        /// A function from an object's bytes to those in the file, or back.
        typealias Sealing = @Sendable (ObjectKey, [UInt8]) throws -> [UInt8]

        /// How long superseded revisions are kept.
        var historyAge = Duration.seconds(24 * 3600)
        /// Bytes of the file above which the oldest history goes before its time.
        var historyBytesMax: Int64 = 1 << 30
        /// How long an Event lives after it was last written.
        var eventAge = Duration.seconds(3600)
        /// Raised when `project` makes something else than before; kept projections are made anew then.
        var projectionVersion: UInt8 = 1
        /// Encrypts and decrypts; nil leaves the bytes as they are.
        var seal: Sealing?
        var open: Sealing?
        /// What stands in front of bytes that are sealed as they would be now; others are sealed anew at the start.
        var sealMark: [UInt8]?
        /// Pages of 4 KiB that the file may have; a larger one is refused as a full disk is. nil means no bound.
        var filePagesMax: Int?
    }

    let path: String
    let options: Options
    let clock: any WallClock
    let project: Projection.Make
    let latest: Latest
    /// The head when the store was opened.
    let start: Revision
    /// Used on `commits` only.
    let writer: Mutex<RevisionTable>
    /// Used on `pastReads` only.
    let reader: Mutex<RevisionTable>
    /// Used on `checkpoints` only.
    let checkpointer: Mutex<Connection>
    let isCheckpointing = Atomic(false)
    let floors: Mutex<Floors>
    let queue: Mutex<WriteQueue>
    let sink = Mutex(Sink { _ in })
    // Threads of their own, since SQLite blocks: the cooperative pool never waits for the disk.
    let commits = DispatchQueue(label: "store.commits", qos: .userInitiated)
    let pastReads = DispatchQueue(label: "store.reads")
    let checkpoints = DispatchQueue(label: "store.checkpoints")
    private let lock: FileLock

    /// Opens or creates the state and loads the latest revision of every object.
    /// - Throws: `StoreError` when another process uses it, when it is damaged, or was written by a newer program.
    static func open(
        path: String, clock: any WallClock, options: Options = Options(), project: @escaping Projection.Make
    ) throws -> Store {
        let lock = try FileLock(path: path + ".lock", of: path)
        // SQLite gives its companions the rights of the file, and it holds secrets.
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                "the state \(path) can not be opened (\(String(cString: strerror(errno)))): give this user the right to "
                    + "write it")
        }
        Glibc.close(descriptor)
        do throws(SQLiteError) {
            return try Store(path: path, lock: lock, clock: clock, options: options, project: project)
        } catch {
            throw refusal(of: path, error)
        }
    }

    private init(
        path: String, lock: consuming FileLock, clock: any WallClock, options: Options,
        project: @escaping Projection.Make
    ) throws(SQLiteError) {
        let codec = RowCodec(options: options, project: project)
        let table = try RevisionTable.open(path: path, codec: codec, pagesMax: options.filePagesMax)
        if let mark = options.sealMark { _ = try table.reseal(unless: mark) }
        let head = try table.head()
        latest = Latest(try table.latest(), head: head)
        start = head
        floors = Mutex(try table.floors())
        queue = Mutex(WriteQueue(last: head))
        writer = Mutex(table)
        reader = Mutex(try RevisionTable.open(path: path, codec: codec))
        checkpointer = Mutex(try Connection.open(path: path))
        self.path = path
        self.lock = lock
        self.clock = clock
        self.options = options
        self.project = project
    }

    private static func refusal(of path: String, _ error: SQLiteError) -> StoreError {
        if error.isNewer {
            return StoreError(
                "the state \(path) was written by a newer kmaster (\(error.message), this one knows format "
                    + "\(RevisionTable.format)): start that version, or restore a backup that this one made")
        }
        if error.isCorrupt {
            return StoreError(
                "the state \(path) is damaged (\(error.message)): move it aside and run kmaster restore with a backup")
        }
        if error.isFull {
            return StoreError("the disk of \(path) is full: free some space and start again")
        }
        return StoreError("the state \(path) can not be opened: \(error.message); check its folder and start again")
    }

    /// Has every commit's changes handed to `sink`, in the order of revisions, before the writers hear of success.
    /// Set it before the first write. The sink runs on the commit thread: it must be quick and must not wait.
    func publish(to sink: @escaping @Sendable ([Change]) -> Void) {
        let sink = Sink(receive: sink)
        self.sink.withLock { $0 = sink }
    }

    /// Who hears of commits. A struct around the function: a bare function in a `Mutex` is wrapped once more on each
    /// access, and its calls grow deeper with every commit.
    struct Sink: Sendable {
        let receive: @Sendable ([Change]) -> Void
    }
}

extension Store {
    /// The last committed revision.
    var head: Revision { latest.head }

    func get(_ key: ObjectKey) -> Stored? { latest.get(key) }

    /// The objects of a resource sorted by namespace and name, and the revision they show; nil as namespace means all.
    func list(_ resource: GroupResource, namespace: String? = nil) -> (items: [Stored], revision: Revision) {
        let (shelf, revision) = latest.shelf(resource)
        return (shelf.list(namespace: namespace).items, revision)
    }

    /// At most `limit` objects whose keys come after `after`; `remaining` counts those that follow.
    func list(_ resource: GroupResource, namespace: String? = nil, after: ObjectKey?, limit: Int) -> (
        items: [Stored], revision: Revision, remaining: Int
    ) {
        let (shelf, revision) = latest.shelf(resource)
        let (items, remaining) = shelf.list(namespace: namespace, after: after, limit: max(0, limit))
        return (items, revision, remaining)
    }

    func count(_ resource: GroupResource) -> Int { latest.shelf(resource).shelf.count }
    /// The revision of a resource's last change; nil when it may lie before this start of the program, since deletions
    /// leave nothing in memory.
    func lastChange(of resource: GroupResource) -> Revision? {
        let last = latest.shelf(resource).shelf.lastChange
        return last > start ? last : nil
    }
    func counts() -> [GroupResource: Int] { latest.counts() }
    /// Keys of the objects that name `uid` as an owner, in no order.
    func owned(by uid: String) -> [ObjectKey] { latest.owned(by: uid) }
}
