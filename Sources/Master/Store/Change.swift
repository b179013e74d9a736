import Shared
import Synchronization

/// One committed change of one object. Watchers share it, and with it every encoding that was made of it.
///
/// A class, because the encodings are made once, by the first watcher that needs them.
final class Change: Sendable {
    enum Kind: Sendable { case put, deletion }

    let kind: Kind
    /// The object after the change; for a deletion its last state with the deletion's revision.
    let stored: Stored
    /// The object before the change; nil when the change created it.
    let previous: Stored?
    private let encodings = Mutex<[String: [UInt8]]>([:])
    private let departure = Mutex<Stored?>(nil)

    var key: ObjectKey { stored.key }
    var revision: Revision { stored.revision }

    init(_ kind: Kind, _ stored: Stored, previous: Stored?) {
        self.kind = kind
        self.stored = stored
        self.previous = previous
    }

    /// The encoding of this name, made by the first caller that asks for it.
    func encoding(_ name: String, make: () -> [UInt8]) -> [UInt8] {
        encodings.withLock { encodings in
            if let made = encodings[name] { return made }
            let made = make()
            encodings[name] = made
            return made
        }
    }

    /// The state before the change with the change's revision: what leaves the sight of a selector.
    var departed: Stored {
        departure.withLock { departure in
            if let departure { return departure }
            let before = previous ?? stored
            var bytes = before.bytes
            if var json = try? before.json() {
                json["metadata"]["resourceVersion"] = .string(revision.description)
                bytes = json.encoded
            }
            let made = Stored(key: key, revision: revision, bytes: bytes, projection: before.projection)
            departure = made
            return made
        }
    }
}
