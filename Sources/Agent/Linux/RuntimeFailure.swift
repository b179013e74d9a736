/// Why the runtime could not do something: a reason as Kubernetes spells it in a container's waiting state or an
/// event, and one sentence.
struct RuntimeFailure: Error, Equatable, Sendable, CustomStringConvertible {
    enum Reason: String, Sendable {
        case createSandbox = "FailedCreatePodSandBox"
        case createContainer = "CreateContainerError"
        case start = "StartError"
        case notFound = "NotFound"
        case invalidImageName = "InvalidImageName"
        case pull = "ErrImagePull"
        case neverPull = "ErrImageNeverPull"
        case exec = "ExecError"
        case unsupported = "Unsupported"
        case runtime = "RuntimeError"
    }
    let reason: Reason
    let message: String

    init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }
    var description: String { "\(reason.rawValue): \(message)" }
}
