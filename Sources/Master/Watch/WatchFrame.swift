import Shared
import Synchronization

/// One line of a watch: what happened to an object as one watcher sees it, a bookmark, or the error that ends it.
struct WatchFrame: Sendable {
    enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }
    private enum Content: Sendable {
        /// A change as it is.
        case change(Change)
        /// A change by which the object stopped matching: its last matching state goes.
        case departure(Change)
        /// An object that was there when the watch began.
        case object(Stored)
        /// An encoded object of no resource: a bookmark or a Status.
        case bytes([UInt8])
    }

    let kind: Kind
    /// Where a watch that saw this frame goes on.
    let revision: Revision
    private let content: Content

    /// The object of the line, with the frame's revision; nil for bookmarks and errors.
    var stored: Stored? {
        switch content {
        case .change(let change): change.stored
        case .departure(let change): change.departed
        case .object(let stored): stored
        case .bytes: nil
        }
    }

    /// The object of the line as a value; nil for errors.
    var json: JSON? {
        if let stored { return try? stored.json() }
        guard kind == .bookmark, case .bytes(let bytes) = content else { return nil }
        return try? JSON(parsing: bytes)
    }

    /// The complete line: `{"type":"ADDED","object":{…}}` and a line break. Watchers of one change share it.
    var line: [UInt8] { line(variant: "") { WatchFrame.line($0.kind, $0.objectBytes) } }

    /// Another encoding of the same frame, such as a Table row: made once for all watchers of the change that name the
    /// same variant. `make` must not ask this frame for another line.
    func line(variant: String, make: (WatchFrame) -> [UInt8]) -> [UInt8] {
        switch content {
        case .change(let change), .departure(let change):
            // Made before the lock is taken, which `make` must not find taken.
            if case .departure = content { _ = change.departed }
            return change.encoding("\(kind.rawValue) \(variant)") { make(self) }
        case .object, .bytes: return make(self)
        }
    }

    /// A line around an encoded object.
    static func line(_ kind: Kind, _ object: [UInt8]) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(object.count + 36)
        line.append(contentsOf: "{\"type\":\"\(kind.rawValue)\",\"object\":".utf8)
        line.append(contentsOf: object)
        line.append(contentsOf: "}\n".utf8)
        return line
    }

    private var objectBytes: [UInt8] {
        if case .bytes(let bytes) = content { bytes } else { stored?.bytes ?? [] }
    }
}

extension WatchFrame {
    typealias Matches = @Sendable (Projection, ObjectKey) -> Bool

    /// What a watcher with a selector sees of a change: an object that begins to match is added, one that stops is
    /// deleted; nil when it concerns the watcher neither before nor after. Source: kube-apiserver, cacher.
    init?(_ change: Change, matches: Matches) {
        let before = change.previous.map { matches($0.projection, change.key) } ?? false
        let after = change.kind == .put && matches(change.stored.projection, change.key)
        switch (before, after) {
        case (false, true): self.init(kind: .added, revision: change.revision, content: .change(change))
        case (true, true): self.init(kind: .modified, revision: change.revision, content: .change(change))
        case (true, false) where change.kind == .deletion:
            self.init(kind: .deleted, revision: change.revision, content: .change(change))
        case (true, false): self.init(kind: .deleted, revision: change.revision, content: .departure(change))
        case (false, false): return nil
        }
    }

    /// An object that was there when the watch began.
    init(present stored: Stored) { self.init(kind: .added, revision: stored.revision, content: .object(stored)) }

    /// A bookmark: the watcher has seen everything up to `revision`.
    /// - Parameters:
    ///   - empty: an object of the watched kind with nothing in it.
    ///   - endsInitial: marks the end of the objects that were there. Source: KEP-3157.
    init(bookmark empty: JSON, at revision: Revision, endsInitial: Bool = false) {
        var object = empty
        object["metadata"]["resourceVersion"] = .string(revision.description)
        if endsInitial { object["metadata"]["annotations"] = ["k8s.io/initial-events-end": "true"] }
        self.init(kind: .bookmark, revision: revision, content: .bytes(object.encoded))
    }

    /// The last frame of a watch that can not go on.
    init(error status: Status, at revision: Revision) {
        self.init(kind: .error, revision: revision, content: .bytes(status.json.encoded))
    }
}
