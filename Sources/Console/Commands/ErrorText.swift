import Shared

/// What a failed command says: one sentence. Pure.
enum ErrorText {
    static func sentence(_ error: any Error) -> String {
        switch error {
        case let status as Status: return sentence(status)
        case let error as NetError where error.reason == .refused || error.reason == .unreachable:
            return "\(error.description); is the cluster up? kconsole up starts one on this machine"
        default: return "\(error)"
        }
    }

    /// As kubectl writes it: `Error from server (NotFound): pods "x" not found`.
    static func sentence(_ status: Status) -> String {
        switch status.reason {
        case .unauthorized:
            return "The server does not know you (401); choose another user in the kubeconfig or log in again."
        case .invalid where !status.causes.isEmpty:
            let causes = status.causes.map { "\($0.field): \($0.message)" }
            let subject = status.name.isEmpty ? status.kind : "\(status.kind) \"\(status.name)\""
            if causes.count == 1 { return "The \(subject) is invalid: \(causes[0])" }
            return "The \(subject) is invalid:\n" + causes.map { "* \($0)" }.joined(separator: "\n")
        case .unknown: return "Error from server: \(status.message.isEmpty ? "code \(status.code)" : status.message)"
        default: return "Error from server (\(status.reason.rawValue)): \(status.message)"
        }
    }
}
