import Shared

/// One line of a watch.
struct WatchFrame: Sendable {
    enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }
    let kind: Kind
    let revision: Revision
    /// The object of the line; nil for bookmarks and errors.
    var stored: Stored? { preconditionFailure("signature") }
    /// The complete line: `{"type":"ADDED","object":{…}}` and a line break.
    var line: [UInt8] { preconditionFailure("signature") }
    /// Another encoding of the same frame, made once for all watchers of the change that ask for this variant.
    func line(variant: String, make: (WatchFrame) -> [UInt8]) -> [UInt8] { preconditionFailure("signature") }
}
