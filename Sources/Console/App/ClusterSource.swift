import Shared

/// Everything the console asks of a cluster, as closures: over HTTP in the product, out of a script in tests.
struct ClusterSource: Sendable {
    /// One page of a list.
    struct Page: Sendable {
        /// Reads the items. What takes time is done here, while the next page is on its way.
        var read: @Sendable () throws -> (items: [Item], columns: [TableColumn])
        var revision: String
        /// Token of the next page.
        var next: String?
        var remaining: Int?
    }
    enum WatchEvent: Sendable {
        case change(FeedNews.Change, revision: String)
        case bookmark(revision: String)
        case failed(Status)
    }
    /// A running watch. One reader.
    struct Watch: Sendable {
        /// The next events; nil when the server ended the watch in order.
        let next: @Sendable () async throws -> [WatchEvent]?
        let close: @Sendable () -> Void
    }

    /// Name of the cluster (the context), and its address.
    var name = "cluster"
    var server = ""
    var discover: @Sendable () async throws -> [Resource]
    var version: @Sendable () async throws -> String
    var list: @Sendable (FeedKey, _ token: String?) async throws -> Page
    var watch: @Sendable (FeedKey, _ revision: String) async throws -> Watch
    var logs: @Sendable (LogKey) async throws -> ByteStream
    var call: @Sendable (Action.Call) async throws -> JSON

    // What only some clusters and builds offer; nil is explained to the user.

    /// Ends a whole machine of a local cluster.
    var killNode: (@Sendable (_ name: String) async throws -> Void)?
    /// Ends the processes of a container.
    var killContainer: (@Sendable (_ namespace: String, _ pod: String, _ container: String) async throws -> Void)?
    /// Runs a shell in a container on the given terminal until it ends. The screen is out of the way.
    var shell: (@Sendable (_ namespace: String, _ pod: String, _ container: String) async throws -> Void)?
    /// The plan that takes back the last change of this user; nil when none is known.
    var undo: (@Sendable () async throws -> Plan?)?
    /// Does something whose calls belong together under a name, in the notes of what was changed.
    var noting: @Sendable (_ group: String, _ body: @Sendable () async throws -> Void) async throws -> Void = {
        try await $1()
    }
    /// Reads the documents of a manifest.
    var parseManifest: @Sendable ([UInt8]) throws -> [JSON] = { [try JSON(parsing: $0)] }
    /// Writes an object for an editor.
    var printManifest: @Sendable (JSON) -> String = { YAMLText.lines($0).map(\.text).joined(separator: "\n") + "\n" }
}
