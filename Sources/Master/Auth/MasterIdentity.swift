import Shared

/// The keys and certificates of a cluster, made at the first start and kept in `STATE/pki`; whoever can read that
/// folder owns the cluster, so it is root's or the user's alone.
struct MasterIdentity: Sendable {
    let authority: CertificateAuthority
    /// What the server shows its clients; names every address that it listens on.
    let serverCertificate: Certificate
    let serverKey: PrivateKey
    /// What the master shows to agents.
    let clientCertificate: Certificate
    let clientKey: PrivateKey
    /// Signs the tokens of service accounts.
    let tokenKey: PrivateKey
    /// Lets an agent ask for a certificate.
    let joinToken: String

    private static let authorityLife = Duration.seconds(10 * 365 * 86_400)
    private static let certificateLife = Duration.seconds(365 * 86_400)
    /// Certificates that end within this time are made anew at a start.
    private static let renewal = Duration.seconds(30 * 86_400)
    /// Other machines' clocks may be this much behind.
    private static let slack = Duration.seconds(3600)

    /// Loads the identity from a state folder, or makes what is missing or ends soon.
    /// - Parameter names: what the server's certificate has to be good for.
    static func open(_ folder: StateFolder, names: SubjectAltNames, clock: any WallClock) throws -> MasterIdentity {
        let now = clock.now()
        let authorityKey = try folder.key("pki/ca.key")
        let authority: CertificateAuthority
        if let pem = try folder.read("pki/ca.crt") {
            authority = try CertificateAuthority(certificate: Certificate(pem: pem), key: authorityKey)
        } else {
            authority = try CertificateAuthority.make(
                commonName: "kotohajime-ca", key: authorityKey, from: now - slack, for: authorityLife)
            try folder.write("pki/ca.crt", authority.certificate.pem)
        }
        let serverKey = try folder.key("pki/server.key")
        let server = try certificate(
            "pki/server.crt", folder, authority, serverKey, .server, DistinguishedName(commonName: "kube-apiserver"),
            names, now)
        let clientKey = try folder.key("pki/agent-client.key")
        let client = try certificate(
            "pki/agent-client.crt", folder, authority, clientKey, .client,
            DistinguishedName(commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"]),
            SubjectAltNames(), now)
        var joinToken = try folder.read("join-token").map { String(decoding: $0, as: UTF8.self).trimmingLines }
        if joinToken == nil {
            let token = Random.bytes(16).hex
            try folder.write("join-token", Array((token + "\n").utf8))
            joinToken = token
        }
        return MasterIdentity(
            authority: authority, serverCertificate: server, serverKey: serverKey, clientCertificate: client,
            clientKey: clientKey, tokenKey: try folder.key("pki/service-account.key"), joinToken: joinToken ?? "")
    }

    private static func certificate(
        _ path: String, _ folder: StateFolder, _ authority: CertificateAuthority, _ key: PrivateKey,
        _ uses: CertificateUses,
        _ subject: DistinguishedName, _ names: SubjectAltNames, _ now: Timestamp
    ) throws -> Certificate {
        if let pem = try folder.read(path) {
            let kept = try Certificate(pem: pem)
            let isSame =
                Set(kept.subjectAltNames.dns).isSuperset(of: names.dns)
                && Set(kept.subjectAltNames.addresses).isSuperset(of: names.addresses)
            if isSame, kept.matches(key), kept.notAfter > now + renewal { return kept }
        }
        let made = try authority.issue(
            uses, to: subject, names: names, key: key.publicKey, from: now - slack, for: certificateLife)
        try folder.write(path, made.pem)
        return made
    }

    /// A kubeconfig with one cluster and one user, who has a certificate.
    static func kubeconfig(
        authority: Certificate, server: String, user: String, certificate: Certificate, key: PrivateKey
    ) -> JSON {
        let cluster: JSON = [
            "certificate-authority-data": .string(Base64.encode(authority.pem)), "server": .string(server),
        ]
        let proof: JSON = [
            "client-certificate-data": .string(Base64.encode(certificate.pem)),
            "client-key-data": .string(Base64.encode(key.pem)),
        ]
        return [
            "apiVersion": "v1", "kind": "Config", "clusters": [["name": "kotohajime", "cluster": cluster]],
            "contexts": [["name": "kotohajime", "context": ["cluster": "kotohajime", "user": .string(user)]]],
            "current-context": "kotohajime", "preferences": [:], "users": [["name": .string(user), "user": proof]],
        ]
    }

    /// Writes the kubeconfig of the cluster's administrator, mode 0600.
    func writeAdminKubeconfig(_ folder: StateFolder, server: String, clock: any WallClock) throws {
        let path = "admin.kubeconfig"
        let key = try folder.key("pki/admin.key")
        let admin = try MasterIdentity.certificate(
            "pki/admin.crt", folder, authority, key, .client,
            DistinguishedName(commonName: "kubernetes-admin", organizations: ["system:masters"]), SubjectAltNames(),
            clock.now())
        let config = MasterIdentity.kubeconfig(
            authority: authority.certificate, server: server, user: "kotohajime-admin", certificate: admin, key: key)
        try folder.write(path, Array(YAML.emit(config).utf8))
    }
}

extension String {
    /// Without line breaks and spaces at both ends.
    fileprivate var trimmingLines: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
