import Shared

/// One revision of one object: immutable bytes that every reader shares, and what selectors need to know of them.
///
/// A class, because one allocation is shared by memory, lists, watch frames and answers; it never changes.
final class Stored: Sendable {
    let key: ObjectKey
    let revision: Revision
    /// The object as compact JSON with its `metadata.resourceVersion` in place.
    let bytes: [UInt8]
    let projection: Projection

    init(key: ObjectKey, revision: Revision, bytes: [UInt8], projection: Projection) {
        self.key = key
        self.revision = revision
        self.bytes = bytes
        self.projection = projection
    }

    /// The object as a value.
    /// - Throws: 500 when the bytes are not JSON, which means that the state file was changed by someone else.
    func json() throws(Status) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: bytes)
        } catch {
            throw unreadable(error)
        }
    }

    /// One member of the object, for those who need nothing else: far quicker than the whole.
    /// - Throws: as `json()`.
    func member(_ name: String) throws(Status) -> JSON {
        do throws(JSONError) {
            return try JSON(member: name, parsing: bytes)
        } catch {
            throw unreadable(error)
        }
    }

    func metadata() throws(Status) -> ObjectMeta { ObjectMeta(try member("metadata")) }

    private func unreadable(_ error: JSONError) -> Status {
        Status(.internalError, "the stored object \(key) can not be read: \(error.message)")
    }
}
