import Shared

/// Something that is not well, with its reason in one line.
struct Problem: Equatable, Sendable {
    enum Severity: Int, Comparable, Sendable {
        case notice, warning, broken
        static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
        var tone: Style.Tone { self == .broken ? .bad : self == .warning ? .warn : .busy }
        var word: String { self == .broken ? "BROKEN" : self == .warning ? "WARN" : "NOTE" }
    }
    var severity: Severity
    let target: Target
    /// In two or three words: `CrashLoopBackOff`, `node lost`.
    let what: String
    let why: String
    let since: Timestamp?
    /// Siblings with the same trouble, this one included.
    var count = 1
    /// What it means for others: `deployment web 2 of 6`, `service web answers nothing`.
    var effects: [String] = []
}
