extension Limits {
    /// Objects in one page of a LIST that a reader of collections asks for. Source: client-go's pager.
    package static let listPageObjects = 500
    /// Longest line of a watch, bytes; a longer one ends the watch, and the reader lists anew.
    package static let watchLineBytesMax = 2 * objectBytesMax
    /// Keys that may wait in a work queue; one more is dropped, since the next resynchronisation brings it back.
    package static let queueKeysMax = 1_000_000
    /// Events that may wait to be written; the oldest is dropped at the bound.
    package static let pendingEventsMax = 10_000
    /// Events that a recorder remembers in order to count repetitions; the oldest is forgotten at the bound.
    package static let rememberedEventsMax = 4_096
    /// Names that are tried for one event.
    package static let eventNameAttemptsMax = 100
    /// Seconds from a request to the head of its answer; then the call fails. Source: kube-apiserver's request timeout.
    package static let responseHeadSeconds = 70
    /// Seconds between two pieces of an answer that is read as a whole.
    package static let responseIdleSeconds = 60
    /// Seconds a connection waits for the next request before it is closed.
    package static let poolIdleSeconds = 90
    /// Connections that wait for a request; the one that waits longest is closed.
    package static let poolConnectionsMax = 64
}

extension Limits {
    /// Bytes of a kubeconfig, a certificate or a token file; a larger one is refused.
    package static let kubeconfigBytesMax = 16 * 1024 * 1024
    /// Seconds an exec plugin may take; people may have to sign in meanwhile.
    package static let execPluginSeconds = 300
    /// Bytes an exec plugin may print; more are an error.
    package static let execPluginBytesMax = 1024 * 1024
    /// Seconds a token file is remembered before it is read again. Source: client-go `transport.NewCachedFileTokenSource`.
    package static let tokenFileSeconds = 60
}
