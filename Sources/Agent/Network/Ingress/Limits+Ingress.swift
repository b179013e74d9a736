import Shared

extension Limits {
    /// Services' addresses to which the reverse proxy keeps connections; the others are closed first.
    static let proxiedBackendsMax = 1024
    /// Addresses that one request is offered to before it fails with 502.
    static let proxyAttemptsMax = 3
    /// Largest answer that the reverse proxy passes on in one piece; a larger one is streamed, bytes.
    static let proxyWholeAnswerMax = 256 << 10
    /// Seconds after which the certificates of ingresses are read anew.
    static let ingressCertificateSeconds = 30
    /// Seconds after which a port that could not be had is tried again.
    static let ingressRetrySeconds = 10
    /// Hosts with a certificate of their own; further ones get the node's own certificate.
    static let ingressHostsMax = 4096
}
