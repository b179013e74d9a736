/// What only the effect runner may do.
enum Effect: Equatable, Sendable {
    case follow(FeedKey)
    case unfollow(FeedKey)
    case readLogs(LogKey)
    case stopLogs(LogKey)
    case perform(Action)
    case shell(namespace: String, pod: String, container: String)
    case edit(Target)
    /// Reads a manifest and asks the server what applying it would change.
    case plan(file: String)
    /// Looks up the last change and how it can be taken back.
    case planUndo
    case copy(String)
    case reconnect
    case redraw
    case suspend
    case quit(Int32)
}
