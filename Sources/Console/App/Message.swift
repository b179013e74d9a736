import Shared

/// Everything that can happen to the console. The reducer sees nothing else.
enum Message: Sendable {
    case input(Input)
    case resized(Size)
    /// Once a second, so that ages move on.
    case tick(Timestamp)
    case feed(FeedKey, FeedNews)
    case logs(LogKey, LogNews)
    case discovered([Resource])
    case pulse(Pulse)
    case finished(Action, ActionEnd)
    case planned(Plan)
    case say(String, Style.Tone)
    /// The terminal is ours again after a shell, an editor or a stop.
    case resumed
    case terminated

    var isInput: Bool { if case .input = self { true } else { false } }
}

/// How the API server answers a small question asked every few seconds.
enum Pulse: Equatable, Sendable {
    case unknown
    case up(version: String)
    case down(since: Timestamp, why: String)
}

/// How an action ended.
enum ActionEnd: Equatable, Sendable {
    case done
    case failed(String)
}

/// Something to be done to the cluster: its calls in their order. The first that fails ends it.
struct Action: Hashable, Sendable {
    /// In the words of the action log: `delete pod web-1`.
    let title: String
    /// What is said when it is done: `pod web-1 deleted`.
    let done: String
    let work: Work
    /// Under which it is noted in the ledger; nil gives it one of its own.
    var group: String?
    enum Work: Hashable, Sendable {
        case calls([ClusterSource.Call])
        case killNode(String)
        case killContainer(namespace: String, pod: String, container: String)
    }
}

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

/// One object that a command is about.
struct Target: Hashable, Sendable {
    let resource: Resource
    let key: Item.Key
    let uid: String

    /// `pod web-1`.
    var text: String { "\(resource.type.kind.lowercased()) \(key.name)" }
    func path(_ subresource: String? = nil) -> String {
        resource.type.path(
            namespace: key.namespace, name: URLText.encode(key.name), subresource: subresource)
    }
}

/// Changes that are shown before they are made.
struct Plan: Equatable, Sendable {
    struct Change: Equatable, Sendable {
        enum Verb: String, Sendable { case create, change, delete, same = "unchanged", refused }
        let verb: Verb
        /// `deployment web`.
        let subject: String
        /// The difference as text, or the refusal.
        let lines: [DiffLine]
        let call: ClusterSource.Call?
    }
    let title: String
    let changes: [Change]
    /// Under which its changes are noted in the ledger.
    var group: String?
    var calls: [ClusterSource.Call] { changes.compactMap(\.call) }
}

/// What a stream of log lines has to tell.
enum LogNews: Sendable {
    case opened
    case lines([LogLine])
    /// The stream ended or broke; a new attempt follows unless the text tells otherwise.
    case ended(String, isFinal: Bool)
}

struct LogLine: Equatable, Sendable {
    enum Kind: Equatable, Sendable { case text, boundary }
    var time: String
    var container: String
    var text: String
    var kind = Kind.text
}
