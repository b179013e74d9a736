extension Limits {
    /// Waiting connections of a listener that the kernel keeps; more are refused by the kernel.
    package static let listenBacklog: Int32 = 1024
    /// Seconds a TLS handshake may take before the connection is closed.
    package static let handshakeSeconds = 10
    /// Seconds a connection attempt may take over all addresses of a name.
    package static let connectSeconds = 10
    /// Buffers handed to the kernel at once; more are written in turns. Source: IOV_MAX, man 2 writev.
    package static let writePiecesMax = 1024
    /// Bytes asked for by one read of a connection when the caller has no wish of its own.
    package static let readBytes = 16 * 1024
    /// Connections that one server keeps open; further ones are closed at once.
    package static let serverConnectionsMax = 16_384
    /// Seconds in which the head of a request must have arrived after its first byte, else 408.
    package static let requestHeadSeconds = 10
    /// Seconds between two arriving pieces of a request's body, else the connection is closed.
    package static let requestBodySeconds = 30
    /// Seconds a connection without a request is kept.
    package static let keepAliveSeconds = 120
    /// Seconds without progress after which a peer that does not read is dropped.
    package static let writeSeconds = 30
    /// Smallest whole answer that is compressed. Source: kube-apiserver's `defaultGzipThresholdBytes`.
    package static let gzipBytesMin = 128 * 1024
    /// TLS sessions that a client context keeps for resumption; the oldest is forgotten first.
    package static let tlsSessionsMax = 64
}
