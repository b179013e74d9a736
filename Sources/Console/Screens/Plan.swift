/// Changes that are shown before they are made.
struct Plan: Equatable, Sendable {
    struct Change: Equatable, Sendable {
        enum Verb: String, Sendable { case create, change, delete, same = "unchanged", refused }
        let verb: Verb
        /// `deployment web`.
        let subject: String
        /// The difference as text, or the refusal.
        let lines: [DiffLine]
        let call: Action.Call?
    }
    let title: String
    let changes: [Change]
    /// Under which its changes are noted in the ledger.
    var group: String?
    var calls: [Action.Call] { changes.compactMap(\.call) }
}
