import CSQLite
import Shared

/// Turns rows into objects and back: sealing, projections of an older form, and purged values.
struct RowCodec: Sendable {
    let options: Store.Options
    let project: Projection.Make

    /// The columns that `read` expects, in its order.
    static let columns = "revision, resource, namespace, name, deleted, projection, value"

    var projectionVersion: UInt8 { options.projectionVersion }

    func seal(_ key: ObjectKey, _ bytes: [UInt8]) throws(SQLiteError) -> [UInt8] {
        guard let seal = options.seal else { return bytes }
        do {
            return try seal(key, bytes)
        } catch {
            throw SQLiteError(code: SQLITE_ERROR, message: "\(key) can not be encrypted: \(error)")
        }
    }

    private func open(_ key: ObjectKey, _ bytes: [UInt8]) throws(SQLiteError) -> [UInt8] {
        guard let open = options.open else { return bytes }
        do {
            return try open(key, bytes)
        } catch {
            throw SQLiteError(code: SQLITE_ERROR, message: "\(key) can not be decrypted: \(error)")
        }
    }

    /// Opens with whatever key sealed the bytes, and seals with the first.
    func sealAnew(_ key: ObjectKey, _ bytes: [UInt8]) throws(SQLiteError) -> [UInt8] {
        try seal(key, try open(key, bytes))
    }

    func read(_ row: borrowing Statement) throws(SQLiteError) -> (stored: Stored, isDeleted: Bool) {
        var resources: [String: GroupResource] = [:]
        return try read(row, resources: &resources)
    }

    /// - Parameter resources: those seen so far, so that many rows share one value.
    func read(_ row: borrowing Statement, resources: inout [String: GroupResource]) throws(SQLiteError) -> (
        stored: Stored, isDeleted: Bool
    ) {
        let text = row.text(1)
        let resource = resources[text] ?? RowCodec.resource(text)
        resources[text] = resource
        let key = ObjectKey(resource, namespace: row.text(2), name: row.text(3))
        let revision = Revision(row.int(0))
        let kept = try row.blob(5).map { bytes throws(SQLiteError) in try open(key, bytes) } ?? []
        let value = try row.blob(6).map { bytes throws(SQLiteError) in try open(key, bytes) }
        let projection: Projection
        if let decoded = Projection(kept, version: projectionVersion) {
            projection = decoded
        } else {
            do throws(JSONError) {
                projection = project(resource, try JSON(parsing: value ?? RowCodec.purged(key, revision, uid: "")))
            } catch {
                throw SQLiteError(code: SQLITE_CORRUPT, message: "\(key) at revision \(revision): \(error.message)")
            }
        }
        let bytes = value ?? RowCodec.purged(key, revision, uid: projection.uid)
        return (Stored(key: key, revision: revision, bytes: bytes, projection: projection), row.int(4) != 0)
    }

    /// `deployments.apps` as it is written in the table.
    private static func resource(_ text: String) -> GroupResource {
        guard let dot = text.firstIndex(of: ".") else { return GroupResource(text) }
        return GroupResource(group: String(text[text.index(after: dot)...]), String(text[..<dot]))
    }

    /// What is left of a Secret that was deleted: that it existed.
    private static func purged(_ key: ObjectKey, _ revision: Revision, uid: String) -> [UInt8] {
        let secret: JSON = [
            "apiVersion": "v1", "kind": "Secret",
            "metadata": [
                "name": .string(key.name), "namespace": .string(key.namespace), "uid": .string(uid),
                "resourceVersion": .string(revision.description),
            ],
        ]
        return secret.encoded
    }
}
