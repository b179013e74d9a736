import Shared

extension Limits {
    /// Bytes of a field selector that are searched for a name, which authorization then sees.
    static let selectedNameBytesMax = 4_096
    /// How long a watch lasts at most when the client names no end, in seconds; then it is ended and the client
    /// watches again. Source: kube-apiserver `--min-request-timeout`.
    static let watchSeconds = 1_800
    /// Bytes that a list's answer gathers into one piece before it begins the next.
    static let listPieceBytes = 1 << 20
}

extension Limits {
    /// Bytes of a request's body that are read at all; between this and `bodyBytesMax` the answer is a proper Status.
    static let bodyBytesReadMax = 2 * bodyBytesMax
    /// `Accept` headers whose meaning is kept, and the longest of them.
    static let acceptsKeptMax = 64
    static let acceptKeptBytesMax = 512
}
