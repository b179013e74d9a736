import Shared

extension RevisionTable {
    /// Seals anew the rows of secrets whose bytes do not begin with `mark`, history too, and wipes what was there.
    /// - Returns: how many rows were changed.
    func reseal(unless mark: [UInt8]) throws(SQLiteError) -> Int {
        var changed = 0
        var last: Int64 = 0
        while let step = try resealStep(unless: mark, after: last) {
            changed += step.count
            last = step.last
        }
        if changed > 0 { try wipe() }
        return changed
    }

    /// Seals anew the next rows after a revision, at most `Limits.resealedRowsMax`; nil when there are none.
    func resealStep(unless mark: [UInt8], after last: Int64) throws(SQLiteError) -> (count: Int, last: Int64)? {
        let select = try connection.prepare(
            """
            SELECT revision, namespace, name, projection, value FROM revisions
            WHERE resource = ?1 AND revision > ?4 AND (substr(projection, 1, ?2) <> ?3
                OR (value IS NOT NULL AND substr(value, 1, ?2) <> ?3))
            ORDER BY revision LIMIT ?5
            """)
        select.bind(1, RevisionTable.secrets.description)
        select.bind(2, Int64(mark.count))
        select.bind(3, mark)
        select.bind(4, last)
        select.bind(5, Int64(Limits.resealedRowsMax))
        var rows: [(revision: Int64, key: ObjectKey, projection: [UInt8], value: [UInt8]?)] = []
        while try select.step() {
            let key = ObjectKey(RevisionTable.secrets, namespace: select.text(1), name: select.text(2))
            rows.append((select.int(0), key, select.blob(3) ?? [], select.blob(4)))
        }
        guard let end = rows.last?.revision else { return nil }
        let update = try connection.prepare("UPDATE revisions SET projection = ?1, value = ?2 WHERE revision = ?3")
        try connection.execute("PRAGMA secure_delete = ON")
        try connection.transaction { () throws(SQLiteError) in
            for row in rows {
                update.bind(1, try codec.sealAnew(row.key, row.projection))
                if let value = row.value {
                    update.bind(2, try codec.sealAnew(row.key, value))
                } else {
                    update.bind(2, nil as [UInt8]?)
                }
                update.bind(3, row.revision)
                _ = try update.step()
            }
        }
        try connection.execute("PRAGMA secure_delete = OFF")
        return (rows.count, end)
    }

    /// What was written before lies in the log until it starts over: overwrites it.
    func wipe() throws(SQLiteError) { try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)") }

    /// How many rows of secrets do not begin with `mark`.
    func unsealed(unless mark: [UInt8]) throws(SQLiteError) -> Int {
        let count = try connection.prepare(
            """
            SELECT count(*) FROM revisions WHERE resource = ?1 AND (substr(projection, 1, ?2) <> ?3
                OR (value IS NOT NULL AND substr(value, 1, ?2) <> ?3))
            """)
        count.bind(1, RevisionTable.secrets.description)
        count.bind(2, Int64(mark.count))
        count.bind(3, mark)
        return try count.step() ? Int(count.int(0)) : 0
    }
}

extension Store {
    /// Seals all secrets of the state file `path` with the first key. No master may have it open. Blocks.
    /// - Returns: how many revisions were sealed anew.
    static func reseal(_ path: String, with keys: SealingKeys) throws(StoreError) -> Int {
        let lock = try FileLock(path: path + ".lock", of: path)
        defer { _ = lock }
        do throws(SQLiteError) {
            return try table(path, keys).reseal(unless: keys.currentMark)
        } catch {
            throw StoreError(
                "the secrets in \(path) were not sealed anew: \(error.message); nothing is lost, try again")
        }
    }
}

extension Store {
    /// Seals all secrets of the open store anew, a few at a time between the commits.
    /// - Returns: how many revisions were sealed anew.
    func reseal(unless mark: [UInt8]) async throws(Status) -> Int {
        var changed = 0
        var last: Int64 = 0
        while true {
            let place = last
            let step = try await committing { table throws(SQLiteError) in
                try table.resealStep(unless: mark, after: place)
            }
            guard let step else { break }
            changed += step.count
            last = step.last
        }
        if changed > 0 { try await committing { table throws(SQLiteError) in try table.wipe() } }
        return changed
    }

    /// Works on the table between two commits.
    private func committing<T: Sendable>(
        _ body: @escaping @Sendable (borrowing RevisionTable) throws(SQLiteError) -> T
    ) async throws(Status) -> T {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, Status>, Never>) in
            commits.async {
                do throws(SQLiteError) {
                    continuation.resume(
                        returning: .success(try self.writer.withLock { table throws(SQLiteError) in try body(table) }))
                } catch {
                    continuation.resume(returning: .failure(Store.status(of: error, path: self.path)))
                }
            }
        }
        return try result.get()
    }

    /// The rows of a state file that no store of this process holds.
    private static func table(_ path: String, _ keys: SealingKeys) throws(SQLiteError) -> RevisionTable {
        var options = Options()
        options.seal(with: keys)
        return try RevisionTable.open(
            path: path,
            codec: RowCodec(options: options) { _, object in Projection(metadata: Object(object).metadata) })
    }

    /// How many revisions of secrets in the state file, which a master may have open, are not sealed with the first key.
    static func unsealed(_ path: String, with keys: SealingKeys) throws(StoreError) -> Int {
        do throws(SQLiteError) {
            return try table(path, keys).unsealed(unless: keys.currentMark)
        } catch {
            throw StoreError("\(path) can not be read: \(error.message); try again")
        }
    }
}

extension Limits {
    /// Revisions of secrets that are sealed anew in one transaction.
    static let resealedRowsMax = 500
}
