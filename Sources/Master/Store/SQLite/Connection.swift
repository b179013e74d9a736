import CSQLite
import Shared

/// One open database, closed exactly once. One thread at a time uses it; its owner keeps it in a `Mutex`.
struct Connection: ~Copyable {
    private let handle: OpaquePointer
    /// Pages in the write-ahead log after this connection's last commit.
    private let walPagesBox: UnsafeMutablePointer<Int32>

    /// Opens or creates the file in write-ahead mode. A commit is on the disk when it returns.
    static func open(path: String) throws(SQLiteError) -> Connection {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw SQLiteError(code: code, message: message)
        }
        let connection = Connection(opened)
        try connection.execute(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000;
            """)
        return connection
    }

    private init(_ opened: OpaquePointer) {
        handle = opened
        walPagesBox = .allocate(capacity: 1)
        walPagesBox.initialize(to: 0)
        sqlite3_busy_timeout(handle, Limits.databaseBusyMilliseconds)
        // The hook takes the place of SQLite's own checkpoints, which would run inside commits.
        sqlite3_wal_hook(
            handle,
            { box, _, _, pages in
                box?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, walPagesBox)
    }

    deinit {
        sqlite3_close_v2(handle)
        walPagesBox.deallocate()
    }

    var walPages: Int { Int(walPagesBox.pointee) }

    func execute(_ sql: String) throws(SQLiteError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        if code != SQLITE_OK { throw error(code) }
    }

    func prepare(_ sql: String) throws(SQLiteError) -> Statement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        guard code == SQLITE_OK, let statement else { throw error(code) }
        return Statement(statement)
    }

    /// The first column of the first row as a number; 0 without a row.
    func number(_ sql: String) throws(SQLiteError) -> Int64 {
        let statement = try prepare(sql)
        return try statement.step() ? statement.int(0) : 0
    }

    /// Runs `body` in one transaction: committed when it returns, undone when it or the commit throws.
    func transaction<T>(_ begin: String = "BEGIN IMMEDIATE", _ body: () throws(SQLiteError) -> T) throws(SQLiteError)
        -> T
    {
        try execute(begin)
        do throws(SQLiteError) {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // SQLite has rolled back by itself after some errors; then there is nothing to undo.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    enum Checkpoint { case passive, restart }
    /// Copies the write-ahead log into the database; `restart` waits until the log starts over.
    func checkpoint(_ mode: Checkpoint) throws(SQLiteError) {
        let mode = mode == .passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
        if code != SQLITE_OK, code != SQLITE_BUSY { throw error(code) }
    }

    /// Copies the whole database as it is now. Source: https://www.sqlite.org/backup.html.
    func copy(to target: borrowing Connection) throws(SQLiteError) {
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw target.error(sqlite3_errcode(target.handle))
        }
        _ = sqlite3_backup_step(backup, -1)
        let code = sqlite3_backup_finish(backup)
        if code != SQLITE_OK { throw target.error(code) }
    }

    private func error(_ code: Int32) -> SQLiteError {
        SQLiteError(code: code, message: String(cString: sqlite3_errmsg(handle)))
    }
}
