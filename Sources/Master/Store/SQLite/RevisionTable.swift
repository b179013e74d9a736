import CSQLite
import Shared

/// The append-only table of all kept revisions, over one connection. Rows are never changed, but for the values of
/// deleted Secrets, and go only by compaction.
struct RevisionTable: ~Copyable {
    let connection: Connection
    let codec: RowCodec
    private let insert: Statement
    private let before: Statement

    /// Format of the file: raised when an older program could not read it any more.
    static let format: Int64 = 1
    /// `Koto`, which tells the file from other databases. Source: https://www.sqlite.org/pragma.html#pragma_application_id.
    private static let applicationID: Int64 = 0x4B6F_746F

    /// Opens or creates the table.
    static func open(path: String, codec: RowCodec, pagesMax: Int? = nil) throws(SQLiteError) -> RevisionTable {
        let connection = try Connection.open(path: path)
        if let pagesMax { try connection.execute("PRAGMA max_page_count = \(pagesMax)") }
        if try connection.number("SELECT count(*) FROM sqlite_schema") == 0 {
            try connection.execute("BEGIN IMMEDIATE; \(schema) COMMIT")
        }
        let format = try connection.number("PRAGMA user_version")
        guard try connection.number("PRAGMA application_id") == RevisionTable.applicationID else {
            throw SQLiteError(code: SQLITE_NOTADB, message: "it is another program's database")
        }
        guard format <= RevisionTable.format else {
            throw SQLiteError(code: SQLITE_SCHEMA, message: "it has format \(format)")
        }
        let insert = try connection.prepare(
            """
            INSERT INTO revisions (revision, resource, namespace, name, deleted, time, projection, value)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        let before = try connection.prepare(
            """
            SELECT \(RowCodec.columns) FROM revisions
            WHERE resource = ?1 AND namespace = ?2 AND name = ?3 AND revision <= ?4 ORDER BY revision DESC LIMIT 1
            """)
        return RevisionTable(connection: connection, codec: codec, insert: insert, before: before)
    }

    private init(
        connection: consuming Connection, codec: RowCodec, insert: consuming Statement, before: consuming Statement
    ) {
        self.connection = connection
        self.codec = codec
        self.insert = insert
        self.before = before
    }

    private static let schema = """
        CREATE TABLE revisions (
            revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
            deleted INTEGER NOT NULL, time INTEGER NOT NULL, projection BLOB NOT NULL, value BLOB);
        CREATE INDEX revisions_by_key ON revisions (resource, namespace, name, revision, deleted);
        CREATE TABLE floors (resource TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(format);
        """

    /// Adds changes in one commit, which is on the disk when this returns.
    func append(_ changes: [Change], at time: Timestamp) throws(SQLiteError) {
        try connection.transaction { () throws(SQLiteError) in
            for change in changes { try append(change, at: time) }
        }
    }

    private func append(_ change: Change, at time: Timestamp) throws(SQLiteError) {
        let key = change.key
        let isDeletion = change.kind == .deletion
        let forgets = isDeletion && key.resource == RevisionTable.secrets
        insert.bind(1, change.revision.number)
        insert.bind(2, key.resource.description)
        insert.bind(3, key.namespace)
        insert.bind(4, key.name)
        insert.bind(5, isDeletion ? 1 : 0)
        insert.bind(6, time.nanoseconds)
        insert.bind(7, try codec.seal(key, change.stored.projection.encoded(version: codec.projectionVersion)))
        insert.bind(8, forgets ? nil : try codec.seal(key, change.stored.bytes))
        _ = try insert.step()
        if forgets { try purgeValues(of: key) }
    }

    static let secrets = GroupResource("secrets")

    /// Overwrites all values that a deleted Secret ever had.
    private func purgeValues(of key: ObjectKey) throws(SQLiteError) {
        try connection.execute("PRAGMA secure_delete = ON")
        let purge = try connection.prepare(
            "UPDATE revisions SET value = NULL WHERE resource = ?1 AND namespace = ?2 AND name = ?3")
        purge.bind(1, key.resource.description)
        purge.bind(2, key.namespace)
        purge.bind(3, key.name)
        _ = try purge.step()
        try connection.execute("PRAGMA secure_delete = OFF")
    }

    /// The last revision in the table. Its row is never purged, so that its number is never given out again.
    func head() throws(SQLiteError) -> Revision {
        Revision(try connection.number("SELECT max(revision) FROM revisions"))
    }

    /// The latest revision of every object that exists.
    func latest() throws(SQLiteError) -> [Stored] {
        let statement = try connection.prepare(
            """
            SELECT \(RowCodec.columns) FROM revisions
            WHERE revision IN (SELECT max(revision) FROM revisions GROUP BY resource, namespace, name) AND deleted = 0
            """)
        var resources: [String: GroupResource] = [:]
        var objects: [Stored] = []
        while try statement.step() { objects.append(try codec.read(statement, resources: &resources).stored) }
        return objects
    }

    // MARK: The past

    /// Runs several reads on one state of the file.
    func reading<T>(_ body: () throws(SQLiteError) -> T) throws(SQLiteError) -> T {
        try connection.transaction("BEGIN", body)
    }

    /// The object as it was at a revision; nil when it did not exist.
    func get(_ key: ObjectKey, at revision: Revision) throws(SQLiteError) -> Stored? {
        before.bind(1, key.resource.description)
        before.bind(2, key.namespace)
        before.bind(3, key.name)
        before.bind(4, revision.number)
        defer { before.reset() }
        guard try before.step() else { return nil }
        let row = try codec.read(before)
        return row.isDeleted ? nil : row.stored
    }

    /// The objects of a resource as they were at a revision.
    func list(_ resource: GroupResource, namespace: String?, at revision: Revision) throws(SQLiteError) -> [Stored] {
        let statement = try connection.prepare(
            """
            SELECT \(RowCodec.columns) FROM revisions WHERE deleted = 0 AND revision IN (
                SELECT max(revision) FROM revisions
                WHERE resource = ?1 \(namespace == nil ? "" : "AND namespace = ?3") AND revision <= ?2
                GROUP BY namespace, name)
            """)
        statement.bind(1, resource.description)
        statement.bind(2, revision.number)
        if let namespace { statement.bind(3, namespace) }
        var objects: [Stored] = []
        while try statement.step() { objects.append(try codec.read(statement).stored) }
        return objects
    }

    /// Changes of a resource after a revision, oldest first, each with the state before it.
    func changes(_ resource: GroupResource, namespace: String?, after revision: Revision, limit: Int)
        throws(SQLiteError) -> ChangePage
    {
        let head = try head()
        // NOT INDEXED walks the rows in the order of revisions instead of sorting all rows of the resource.
        let statement = try connection.prepare(
            """
            SELECT \(RowCodec.columns) FROM revisions NOT INDEXED
            WHERE revision > ?1 AND resource = ?2 \(namespace == nil ? "" : "AND namespace = ?4")
            ORDER BY revision LIMIT ?3
            """)
        statement.bind(1, revision.number)
        statement.bind(2, resource.description)
        statement.bind(3, Int64(limit))
        if let namespace { statement.bind(4, namespace) }
        var changes: [Change] = []
        while try statement.step() {
            let row = try codec.read(statement)
            let previous = try get(row.stored.key, at: Revision(row.stored.revision.number - 1))
            changes.append(Change(row.isDeleted ? .deletion : .put, row.stored, previous: previous))
        }
        let isFull = changes.count == limit
        return ChangePage(changes: changes, upTo: isFull ? changes.last?.revision ?? head : max(head, revision))
    }

    /// The last revision that was made at or before a time; nil when that is not kept.
    ///
    /// Halves the kept revisions, trusting that the clock went forward while they were made.
    func revision(at time: Timestamp) throws(SQLiteError) -> Revision? {
        var low = try connection.number("SELECT min(revision) FROM revisions")
        var high = try head().number
        let statement = try connection.prepare(
            "SELECT revision, time FROM revisions WHERE revision <= ?1 ORDER BY revision DESC LIMIT 1")
        func row(atOrBefore revision: Int64) throws(SQLiteError) -> (revision: Int64, time: Int64)? {
            statement.bind(1, revision)
            defer { statement.reset() }
            return try statement.step() ? (statement.int(0), statement.int(1)) : nil
        }
        guard let first = try row(atOrBefore: low), first.time <= time.nanoseconds else { return nil }
        while low < high {
            let middle = low + (high - low + 1) / 2
            guard let found = try row(atOrBefore: middle) else { return nil }
            if found.time <= time.nanoseconds { low = middle } else { high = max(low, found.revision - 1) }
        }
        return try row(atOrBefore: low).map { Revision($0.revision) }
    }
}
