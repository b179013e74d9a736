import Shared

/// What the body of a write sees and does: the latest state, with all changes before it and its own in place.
///
/// It can not leave the body, and nothing is on disk until the body's batch is committed.
struct Transaction: ~Copyable {
    private let latest: Latest
    private let project: Projection.Make
    /// State of the changed keys; nil inside means deleted.
    private var overlay: [ObjectKey: Stored?] = [:]
    /// The resources of the changed keys, and of some that were changed and are not any more.
    private var touched: Set<GroupResource> = []
    private(set) var changes: [Change] = []
    private(set) var bytes = 0
    /// The revision that the next change gets.
    private(set) var revision: Revision
    /// How many changes there were when the running body began.
    private var mark = 0
    /// A dry run: objects keep the `resourceVersion` that they have, since no new one is given out.
    var isRehearsal = false

    /// - Parameter last: the last revision that was ever given out.
    init(on latest: Latest, last: Revision, project: @escaping Projection.Make) {
        self.latest = latest
        self.project = project
        revision = last.next
    }

    func get(_ key: ObjectKey) -> Stored? {
        if let changed = overlay[key] { return changed }
        return latest.get(key)
    }

    /// The objects of a resource sorted by key; nil as namespace means all.
    func list(_ resource: GroupResource, namespace: String?) -> [Stored] {
        var shelf = latest.shelf(resource).shelf
        guard touched.contains(resource) else { return shelf.list(namespace: namespace).items }
        for (key, changed) in overlay where key.resource == resource {
            if let changed { shelf.put(changed) } else { shelf.remove(key, at: revision) }
        }
        return shelf.list(namespace: namespace).items
    }

    /// Creates or replaces an object. `metadata.resourceVersion` is set to the new revision.
    /// - Throws: 413 when the encoded object is larger than `Limits.objectBytesMax`.
    @discardableResult
    mutating func put(_ key: ObjectKey, _ json: JSON) throws(Status) -> Stored {
        let stored = try encode(key, json)
        append(Change(.put, stored, previous: get(key)))
        overlay.updateValue(stored, forKey: key)
        return stored
    }

    /// Deletes an object; `final` is its last state, which watchers are shown with the deletion's revision.
    /// - Throws: 404 when it does not exist.
    @discardableResult
    mutating func delete(_ key: ObjectKey, final: JSON) throws(Status) -> Stored {
        guard let previous = get(key) else { throw .notFound(key.resource, key.name) }
        let stored = try encode(key, final)
        append(Change(.deletion, stored, previous: previous))
        overlay.updateValue(nil, forKey: key)
        return stored
    }

    /// Begins the next body.
    mutating func begin() { mark = changes.count }

    /// Undoes the running body. Nobody has seen its revisions, so the next body gets them.
    mutating func rollBack() {
        for change in changes[mark...].reversed() {
            overlay.updateValue(change.previous, forKey: change.key)
            bytes -= change.stored.bytes.count
        }
        if mark < changes.count { revision = changes[mark].revision }
        changes.removeSubrange(mark...)
    }

    private func encode(_ key: ObjectKey, _ json: JSON) throws(Status) -> Stored {
        var json = json
        if !isRehearsal {
            json["metadata"]["resourceVersion"] = .string(revision.description)
        } else if let current = get(key) {
            json["metadata"]["resourceVersion"] = .string(current.revision.description)
        } else {
            json["metadata"].remove("resourceVersion")
        }
        // Copied into a buffer of its exact size, since it stays in memory as long as the object.
        let bytes = json.encoded.withUnsafeBufferPointer { Array($0) }
        guard bytes.count <= Limits.objectBytesMax else {
            throw Status(
                .requestEntityTooLarge,
                "\(key) has \(bytes.count) bytes, and at most \(Limits.objectBytesMax) are stored: make it smaller")
        }
        return Stored(key: key, revision: revision, bytes: bytes, projection: project(key.resource, json))
    }

    private mutating func append(_ change: Change) {
        changes.append(change)
        touched.insert(change.key.resource)
        bytes += change.stored.bytes.count
        revision = revision.next
    }
}
