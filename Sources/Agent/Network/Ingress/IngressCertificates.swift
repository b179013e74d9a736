import Shared

/// The certificates of ingresses' hosts, read from their secrets; a host without one gets the node's own.
/// A class: the listener's TLS context is one identity whose content changes.
final class IngressCertificates: Sendable {
    let context: TLSContext
    private let client: Client
    private let clock: any WallClock
    private let log: Log
    private let rings: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init(client: Client, clock: any WallClock, log: Log) throws {
        self.client = client
        self.clock = clock
        self.log = log
        let authority = try CertificateAuthority.make(
            commonName: "Kotohajime ingress", from: clock.now() - .seconds(3600), for: .seconds(3650 * 86_400))
        context = try TLSContext.server(certificate: [authority.certificate], key: authority.key)
        (rings, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The hosts have changed.
    func wake() { ring.yield() }

    /// Keeps the context up to date.
    /// - Parameter hosts: which secret each host has now.
    func run(_ hosts: @escaping @Sendable () -> [String: IngressTable.SecretName]) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { [self] in
                while true {
                    ring.yield()
                    try await clock.sleep(for: .seconds(Limits.ingressCertificateSeconds))
                }
            }
            for await _ in rings { await refresh(hosts()) }
            throw CancellationError()
        }
    }

    private func refresh(_ hosts: [String: IngressTable.SecretName]) async {
        var loaded: [IngressTable.SecretName: TLSContext] = [:]
        for name in Set(hosts.values) {
            do {
                let secret = try await client.get(Secret.self, namespace: name.namespace, name: name.name)
                loaded[name] = try IngressCertificates.context(secret)
            } catch {
                log.warning(
                    "the certificate of an ingress can not be used", ("secret", "\(name.namespace)/\(name.name)"),
                    ("error", "\(error)"))
            }
        }
        var named: [String: TLSContext] = [:]
        for (host, name) in hosts.sorted(by: { $0.key < $1.key }).prefix(Limits.ingressHostsMax) {
            if let context = loaded[name] { named[host] = context }
        }
        context.setNames(named)
    }

    /// Source: secret type `kubernetes.io/tls`.
    private static func context(_ secret: Secret) throws -> TLSContext {
        func bytes(_ key: String) throws -> [UInt8] {
            guard let bytes = secret.json.at("data", key).string.flatMap({ Base64.decode($0) }) else {
                throw ConfigError("the secret has no \(key)")
            }
            return bytes
        }
        return try TLSContext.server(
            certificate: try Certificate.chain(pem: try bytes("tls.crt")),
            key: try PrivateKey(pem: try bytes("tls.key")))
    }
}
