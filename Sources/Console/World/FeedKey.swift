import Shared

/// Which objects a screen wants to see live. Equal keys share one list and watch.
struct FeedKey: Hashable, Sendable {
    enum Form: Hashable, Sendable {
        /// Objects, projected to `Facts`.
        case objects
        /// Rows of the server's Table.
        case table
        /// Whole objects.
        case whole
    }
    let resource: Resource
    /// Empty: all namespaces.
    var namespace = ""
    var labels = ""
    var fields = ""
    var form = Form.objects

    static func all(_ resource: Resource) -> FeedKey { FeedKey(resource: resource) }
}
