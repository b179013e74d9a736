import Glibc
import Shared

extension Store {
    /// Writes a copy of the whole state as it is now to `path`, which appears when it is complete and which only this
    /// user may read. Commits go on meanwhile.
    /// - Throws: `StoreError`.
    func backup(to path: String) async throws {
        let partial = path + ".partial"
        let source = self.path
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Void, StoreError>, Never>) in
            checkpoints.async {
                unlink(partial)
                let descriptor = Glibc.open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
                guard descriptor >= 0 else {
                    let why = String(cString: strerror(errno))
                    return continuation.resume(
                        returning: .failure(StoreError("no backup can be written to \(path) (\(why)): choose another")))
                }
                Glibc.close(descriptor)
                do throws(SQLiteError) {
                    try Store.copy(source, to: partial)
                } catch {
                    unlink(partial)
                    return continuation.resume(
                        returning: .failure(StoreError("the backup \(path) failed: \(error.message); try again")))
                }
                unlink(partial + "-wal")
                unlink(partial + "-shm")
                guard rename(partial, path) == 0 else {
                    let why = String(cString: strerror(errno))
                    return continuation.resume(
                        returning: .failure(StoreError("the backup \(partial) can not be named \(path): \(why)")))
                }
                continuation.resume(returning: .success(()))
            }
        }
        try result.get()
    }

    private static func copy(_ source: String, to target: String) throws(SQLiteError) {
        let from = try Connection.open(path: source)
        let to = try Connection.open(path: target)
        try from.copy(to: to)
        // One file without companions: everything into the database, and no log.
        try to.execute("PRAGMA journal_mode = DELETE")
    }
}
