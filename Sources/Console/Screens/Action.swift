import Shared

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
        case calls([Call])
        case killNode(String)
        case killContainer(namespace: String, pod: String, container: String)
    }
    /// One request of an action.
    struct Call: Hashable, Sendable {
        var method: String
        var path: String
        var query: [String] = []
        var body: JSON?
        var contentType = "application/json"
        /// A refusal with 429 is repeated (evictions that a budget holds back).
        var isPatient = false
        /// An object that is not there any more is as good as done.
        var acceptsMissing = false
    }
}

/// How an action ended.
enum ActionEnd: Equatable, Sendable {
    case done
    case failed(String)
}
