import Shared

extension Limits {
    /// Questions that wait for the machine's resolvers at once; more are answered with SERVFAIL.
    static let dnsQuestionsMax = 1024
    /// Connections to the name server at once; more are closed at once.
    static let dnsConnectionsMax = 128
    /// Seconds that a DNS connection may be idle before it is closed.
    static let dnsIdleSeconds = 10
    /// Seconds to wait for one answer of a resolver; then it is asked once more, then the next.
    static let dnsUpstreamSeconds = 2
    /// Largest DNS answer over UDP, bytes; larger ones say "truncated". Source: DNS flag day 2020.
    static let dnsDatagramBytesMax = 1232
    /// Connections through one agent's proxy at once; more are closed at once.
    static let proxyConnectionsMax = 4096
    /// UDP clients of one proxied port at once; more are dropped.
    static let proxyClientsMax = 1024
    /// Seconds after which a UDP client without traffic is forgotten.
    static let proxyClientSeconds = 60
}
