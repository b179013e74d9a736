import Shared

extension Limits {
    /// How long a watch lasts at most when the client names no end, in seconds; then it is ended and the client
    /// watches again. Source: kube-apiserver `--min-request-timeout`.
    static let watchSeconds = 1_800
    /// Bytes that a list's answer gathers into one piece before it begins the next.
    static let listPieceBytes = 1 << 20
}
