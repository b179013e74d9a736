/// One stream of log lines.
struct LogKey: Hashable, Sendable {
    let namespace: String
    let pod: String
    let container: String
    /// The run before the last restart.
    var isPrevious = false
    /// Lines from the end to start with.
    var tail = 1_000
    /// Continue after this time, in place of `tail`, when a stream broke.
    var since: String?
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
