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
