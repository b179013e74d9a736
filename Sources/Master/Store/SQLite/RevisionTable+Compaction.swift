import Shared

/// Up to where history was compacted: reads at a floor or later are exact.
struct Floors: Sendable, Equatable {
    var all = Revision.zero
    /// Resources of which only the latest revision is kept.
    var byResource: [GroupResource: Revision] = [:]

    func floor(_ resource: GroupResource) -> Revision { max(all, byResource[resource] ?? .zero) }
}

extension RevisionTable {
    func floors() throws(SQLiteError) -> Floors {
        var floors = Floors()
        let statement = try connection.prepare("SELECT resource, revision FROM floors")
        while try statement.step() {
            let name = statement.text(0)
            let revision = Revision(statement.int(1))
            if name.isEmpty {
                floors.all = revision
            } else {
                let parts = name.split(separator: ".", maxSplits: 1)
                let group = parts.count == 2 ? String(parts[1]) : ""
                floors.byResource[GroupResource(group: group, String(parts[0]))] = revision
            }
        }
        return floors
    }

    /// Compacts the next rows up to `target`, at most `Limits.compactionRowsMax`, and returns how far history is
    /// compacted then.
    ///
    /// After it every object has at most one row up to that floor, and none if it did not exist then.
    func compact(from floor: Revision, to target: Revision) throws(SQLiteError) -> Revision {
        let target = Revision(min(target.number, try head().number - 1))
        guard floor < target else { return floor }
        return try connection.transaction { () throws(SQLiteError) in
            let select = try connection.prepare(
                """
                SELECT revision, resource, namespace, name, deleted FROM revisions
                WHERE revision > ?1 AND revision <= ?2 ORDER BY revision LIMIT ?3
                """)
            let delete = try connection.prepare(
                """
                DELETE FROM revisions
                WHERE resource = ?1 AND namespace = ?2 AND name = ?3 AND revision < ?4 + ?5
                """)
            select.bind(1, floor.number)
            select.bind(2, target.number)
            select.bind(3, Int64(Limits.compactionRowsMax))
            var rows: [(revision: Int64, resource: String, namespace: String, name: String, deleted: Int64)] = []
            while try select.step() {
                rows.append((select.int(0), select.text(1), select.text(2), select.text(3), select.int(4)))
            }
            for row in rows {
                delete.bind(1, row.resource)
                delete.bind(2, row.namespace)
                delete.bind(3, row.name)
                delete.bind(4, row.revision)
                // The row of a deletion goes as well: 1 makes "earlier" include itself.
                delete.bind(5, row.deleted)
                _ = try delete.step()
            }
            let reached = rows.count == Limits.compactionRowsMax ? Revision(rows.last?.revision ?? 0) : target
            try setFloor("", reached)
            return reached
        }
    }

    /// Purges rows of a resource that are not the latest of their object, at most `Limits.compactionRowsMax`.
    /// - Returns: the resource's floor after it; nil when there was nothing to do.
    func keepLatestOnly(_ resource: GroupResource) throws(SQLiteError) -> Revision? {
        let head = try head()
        return try connection.transaction { () throws(SQLiteError) in
            let stale = try connection.prepare(
                """
                SELECT revision FROM revisions AS row WHERE resource = ?1 AND revision < (
                    SELECT max(revision) FROM revisions
                    WHERE resource = ?1 AND namespace = row.namespace AND name = row.name)
                LIMIT ?2
                """)
            var purged = try delete(stale, resource: resource, head: nil)
            if purged == 0 {
                // Only now is a deletion the one row of its object: without it an older state would come back.
                let deletions = try connection.prepare(
                    "SELECT revision FROM revisions WHERE resource = ?1 AND deleted = 1 AND revision < ?3 LIMIT ?2")
                purged = try delete(deletions, resource: resource, head: head)
            }
            guard purged > 0 else { return nil }
            try setFloor(resource.description, head)
            return head
        }
    }

    private func delete(_ selection: borrowing Statement, resource: GroupResource, head: Revision?)
        throws(SQLiteError) -> Int
    {
        selection.bind(1, resource.description)
        selection.bind(2, Int64(Limits.compactionRowsMax))
        if let head { selection.bind(3, head.number) }
        var revisions: [Int64] = []
        while try selection.step() { revisions.append(selection.int(0)) }
        let delete = try connection.prepare("DELETE FROM revisions WHERE revision = ?1")
        for revision in revisions {
            delete.bind(1, revision)
            _ = try delete.step()
        }
        return revisions.count
    }

    private func setFloor(_ resource: String, _ revision: Revision) throws(SQLiteError) {
        let statement = try connection.prepare("INSERT OR REPLACE INTO floors (resource, revision) VALUES (?1, ?2)")
        statement.bind(1, resource)
        statement.bind(2, revision.number)
        _ = try statement.step()
    }

    /// Bytes of the file that are in use.
    func usedBytes() throws(SQLiteError) -> Int64 {
        let pages = try connection.number("PRAGMA page_count") - connection.number("PRAGMA freelist_count")
        return pages * (try connection.number("PRAGMA page_size"))
    }
}
