extension Limits {
    /// Seconds from a request to the head of its answer; then the call fails. Source: kube-apiserver's request timeout.
    package static let responseHeadSeconds = 70
    /// Seconds between two pieces of an answer that is read as a whole.
    package static let responseIdleSeconds = 60
    /// Seconds a connection waits for the next request before it is closed.
    package static let poolIdleSeconds = 90
    /// Connections that wait for a request; the one that waits longest is closed.
    package static let poolConnectionsMax = 64
}
