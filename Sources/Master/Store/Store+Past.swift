import Shared
import Synchronization

/// Reads of older revisions, out of the file and on a thread of their own.
extension Store {
    /// The objects of a resource as they were at a revision, sorted by namespace and name.
    /// - Throws: 410 when that revision was compacted, 504 when it is in the future.
    func list(_ resource: GroupResource, namespace: String? = nil, at revision: Revision) async throws(Status)
        -> [Stored]
    {
        let (items, current) = list(resource, namespace: namespace)
        if revision == current { return items }
        let objects = try await past(resource, at: revision) { table throws(SQLiteError) in
            try table.list(resource, namespace: namespace, at: revision)
        }
        return Shelf(objects).list(namespace: nil).items
    }

    /// The object as it was at a revision; nil when it did not exist then.
    /// - Throws: 410 when that revision was compacted, 504 when it is in the future.
    func get(_ key: ObjectKey, at revision: Revision) async throws(Status) -> Stored? {
        try await past(key.resource, at: revision) { table throws(SQLiteError) in try table.get(key, at: revision) }
    }

    /// The last revision at a time; nil when history does not reach that far back.
    func revision(at time: Timestamp) async throws(Status) -> Revision? {
        let floor = floors.withLock { $0.all }
        let found = try await reading { table throws(SQLiteError) in try table.revision(at: time) }
        return found.flatMap { $0 >= floor ? $0 : nil }
    }

    /// Events that were last written at or before `time`, oldest first, at most `Limits.expiredPageMax`. The master
    /// deletes them as anybody would, so that watchers see it.
    func expired(before time: Timestamp) async throws(Status) -> [Stored] {
        let events = Store.events.flatMap { list($0).items }
        guard !events.isEmpty,
            let limit = try await reading({ table throws(SQLiteError) in try table.revision(at: time) })
        else { return [] }
        let expired = events.filter { $0.revision <= limit }.sorted { $0.revision < $1.revision }
        return Array(expired.prefix(Limits.expiredPageMax))
    }

    static let events = [GroupResource("events"), GroupResource(group: "events.k8s.io", "events")]
    /// Resources that change all the time and whose past interests nobody.
    static let latestOnly = events + [GroupResource(group: "coordination.k8s.io", "leases")]

    /// What the watch hub asks.
    var log: ChangeLog {
        ChangeLog(
            head: { self.head },
            floor: { resource in self.floors.withLock { $0.floor(resource) } },
            changes: { resource, namespace, after, limit async throws(Status) in
                let page = try await self.reading { table throws(SQLiteError) -> ChangePage? in
                    try table.reading { () throws(SQLiteError) in
                        guard try table.floors().floor(resource) <= after else { return nil }
                        return try table.changes(resource, namespace: namespace, after: after, limit: limit)
                    }
                }
                guard let page else { throw Status.tooOld(after, floor: self.floors.withLock { $0.floor(resource) }) }
                return page
            })
    }

    private func past<T: Sendable>(
        _ resource: GroupResource, at revision: Revision,
        _ body: @escaping @Sendable (borrowing RevisionTable) throws(SQLiteError) -> T
    ) async throws(Status) -> T {
        let head = head
        guard revision <= head else { throw Status.tooLarge(revision, current: head) }
        let found = try await reading { table throws(SQLiteError) -> Result<T, Status> in
            try table.reading { () throws(SQLiteError) in
                guard try table.floors().floor(resource) <= revision else {
                    return .failure(.listTooOld)
                }
                return .success(try body(table))
            }
        }
        return try found.get()
    }

    private func reading<T: Sendable>(
        _ body: @escaping @Sendable (borrowing RevisionTable) throws(SQLiteError) -> T
    ) async throws(Status) -> T {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, Status>, Never>) in
            pastReads.async {
                let result = self.reader.withLock { table -> Result<T, Status> in
                    do throws(SQLiteError) {
                        return .success(try body(table))
                    } catch {
                        return .failure(Store.status(of: error, path: self.path))
                    }
                }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
