import Shared

extension Status {
    /// Source: kube-apiserver's answer to a resourceVersion that does not exist yet.
    static func tooLarge(_ revision: Revision, current: Revision) -> Status {
        var status = Status(.timeout, "Timeout: Too large resource version: \(revision), current: \(current)")
        status.retryAfterSeconds = 1
        status.causes = [Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "")]
        return status
    }

    /// A watch that begins before the kept history.
    static func tooOld(_ revision: Revision, floor: Revision) -> Status {
        Status(.expired, "too old resource version: \(revision) (\(floor))")
    }

    /// A list or an object of a revision before the kept history.
    static let listTooOld = Status(.expired, "The resourceVersion for the provided list is too old.")
}
