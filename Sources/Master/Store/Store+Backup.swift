import Glibc
import Shared

extension Store {
    /// Writes a copy of the whole state as it is now to `path`. Commits go on meanwhile.
    func backup(to path: String) async throws {
        let source = self.path
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Void, StoreError>, Never>) in
            checkpoints.async {
                do throws(StoreError) {
                    continuation.resume(returning: .success(try Store.backup(of: source, to: path)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        try result.get()
    }

    /// Writes a copy of the state file `source`, which a running master may have open, to `path`. The copy appears when
    /// it is complete, and only this user may read it. Blocks.
    static func backup(of source: String, to path: String) throws(StoreError) {
        let partial = path + ".partial"
        unlink(partial)
        let descriptor = Glibc.open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                "no backup can be written to \(path) (\(String(cString: strerror(errno)))): choose another")
        }
        Glibc.close(descriptor)
        do throws(SQLiteError) {
            try copy(source, to: partial)
        } catch {
            unlink(partial)
            throw StoreError("the backup \(path) failed: \(error.message); try again")
        }
        unlink(partial + "-wal")
        unlink(partial + "-shm")
        guard rename(partial, path) == 0 else {
            throw StoreError("the backup \(partial) can not be named \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Puts a backup in the place of the state file `path`, which no master may have open. The former state stays beside
    /// it as `path.before-restore`.
    static func restore(_ backup: String, to path: String) throws(StoreError) {
        let lock = try FileLock(path: path + ".lock", of: path)
        defer { _ = lock }
        guard access(backup, R_OK) == 0 else {
            throw StoreError("the backup \(backup) can not be read: \(String(cString: strerror(errno)))")
        }
        for companion in ["", "-wal", "-shm"] { rename(path + companion, path + ".before-restore" + companion) }
        try self.backup(of: backup, to: path)
    }

    private static func copy(_ source: String, to target: String) throws(SQLiteError) {
        let from = try Connection.open(path: source)
        let to = try Connection.open(path: target)
        try from.copy(to: to)
        // One file without companions: everything into the database, and no log.
        try to.execute("PRAGMA journal_mode = DELETE")
    }
}
