import Glibc
import Shared
import Synchronization

/// The agent's key and certificates below `STATE/pki`, and how it gets them: a token for the first request, the
/// client certificate for all later ones. Source: Kubernetes TLS bootstrapping, certificates.k8s.io/v1.
struct Join: Sendable {
    let settings: AgentSettings
    let clock: any WallClock
    let log: Log

    private var folder: String { settings.state + "/pki" }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    func authority() throws -> [Certificate] {
        let kept = folder + "/ca.crt"
        if let file = settings.authority {
            guard let pem = try PrivateFile.read(file) else {
                throw Failure("the file \(file) of --ca-file does not exist")
            }
            let chain = try Certificate.chain(pem: pem)
            try Files.makeFolder(folder, mode: 0o700)
            try PrivateFile.write(kept, pem)
            return chain
        }
        guard let pem = try PrivateFile.read(kept) else {
            throw Failure(
                "this node has not joined yet: give the cluster's authority with --ca-file and a token with --token-file"
            )
        }
        return try Certificate.chain(pem: pem)
    }

    /// The client certificate, asked for when there is none or it is about to expire.
    func clientTLS() async throws -> TLSContext {
        let trust = try authority()
        if let (chain, key) = try kept("client"), let first = chain.first, first.notAfter > clock.now() + .seconds(60) {
            return try TLSContext.client(ca: trust, certificate: chain, key: key)
        }
        guard let token = settings.token else {
            throw Failure(
                "this node has not joined yet: give a token with --token-file (the master writes DIR/join-token)")
        }
        let transport = HTTPTransport(
            .host(settings.host, port: settings.port), tls: try TLSContext.client(ca: trust),
            credentials: { ["Authorization": "Bearer \(token)"] })
        let client = Client(transport, agent: "kagent/\(Version.current)")
        let (chain, key) = try await request(
            client, "client", signer: CertificateSigningRequest.agentClient, names: SubjectAltNames(),
            usages: ["digital signature", "client auth"])
        return try TLSContext.client(ca: trust, certificate: chain, key: key)
    }

    /// The certificate of the node's own endpoint.
    func serverTLS(_ client: Client, address: String) async throws -> TLSContext {
        let trust = try authority()
        if let (chain, key) = try kept("server"), let first = chain.first, first.notAfter > clock.now() + .seconds(60),
            first.subjectAltNames.addresses.contains(address)
        {
            return try TLSContext.server(certificate: chain, key: key, clientCA: trust)
        }
        let (chain, key) = try await requestServing(client, address: address)
        return try TLSContext.server(certificate: chain, key: key, clientCA: trust)
    }

    private func requestServing(_ client: Client, address: String) async throws -> ([Certificate], PrivateKey) {
        try await request(
            client, "server", signer: CertificateSigningRequest.agentServing,
            names: SubjectAltNames(dns: [settings.name], addresses: [address]),
            usages: ["digital signature", "server auth"])
    }

    /// Renews both certificates when four fifths of their life are over. Runs for ever.
    func renew(_ client: Client, clientTLS: TLSContext, serverTLS: TLSContext, address: String) async throws {
        while true {
            try await clock.sleep(for: .seconds(untilOld()))
            do {
                if try isOld("client") {
                    let (chain, key) = try await request(
                        client, "client", signer: CertificateSigningRequest.agentClient, names: SubjectAltNames(),
                        usages: ["digital signature", "client auth"])
                    try clientTLS.replace(certificate: chain, key: key)
                }
                if try isOld("server") {
                    let (chain, key) = try await requestServing(client, address: address)
                    try serverTLS.replace(certificate: chain, key: key)
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                log.warning("a certificate was not renewed and is asked for again", ("error", "\(error)"))
            }
        }
    }

    /// Seconds until one of the certificates is to be renewed, or looked at again.
    private func untilOld() -> Int {
        let ends = ["client", "server"].compactMap { name -> Duration? in
            guard let first = (try? kept(name))?.chain.first else { return nil }
            let life = first.notAfter - first.notBefore
            return first.notBefore + .nanoseconds(life.nanoseconds / 5 * 4) - clock.now()
        }
        return min(600, max(5, Int((ends.min() ?? .zero).inSeconds) + 1))
    }

    private func isOld(_ name: String) throws -> Bool {
        guard let first = try kept(name)?.chain.first else { return true }
        let life = first.notAfter - first.notBefore
        return clock.now() > first.notBefore + .nanoseconds(life.nanoseconds / 5 * 4)
    }

    private func kept(_ name: String) throws -> (chain: [Certificate], key: PrivateKey)? {
        guard let pem = try PrivateFile.read("\(folder)/\(name).crt"),
            let key = try PrivateFile.read("\(folder)/\(name).key")
        else { return nil }
        let chain = try Certificate.chain(pem: pem)
        let owner = try PrivateKey(pem: key)
        guard let first = chain.first, first.matches(owner), first.commonName == "system:node:\(settings.name)" else {
            return nil
        }
        return (chain, owner)
    }

    private func request(
        _ client: Client, _ name: String, signer: String, names: SubjectAltNames, usages: [String]
    ) async throws -> ([Certificate], PrivateKey) {
        try Files.makeFolder(folder, mode: 0o700)
        let key = try PrivateKey.generate()
        let subject = DistinguishedName(commonName: "system:node:\(settings.name)", organizations: ["system:nodes"])
        let wish = try CertificateRequest(subject: subject, names: names, key: key)
        var object = CertificateSigningRequest(name: "\(name)-\(settings.name)-\(Random.bytes(5).hex)")
        object.json["spec"] = [
            "request": .string(Base64.encode(wish.pem)), "signerName": .string(signer), "usages": JSON(usages),
        ]
        var backoff = Backoff(first: .milliseconds(200), most: .seconds(5))
        var isCreated = false
        var pause = Backoff(first: .milliseconds(20), most: .seconds(1))
        while true {
            do {
                if !isCreated {
                    object = try await client.create(object)
                    isCreated = true
                }
                let answer = try await client.get(CertificateSigningRequest.self, name: object.name)
                if answer.isRefused {
                    throw Failure("the master refuses the certificate of node \(settings.name); see kubectl get csr")
                }
                if !answer.certificate.isEmpty {
                    let chain = try Certificate.chain(pem: answer.certificate)
                    try PrivateFile.write("\(folder)/\(name).key", key.pem)
                    try PrivateFile.write("\(folder)/\(name).crt", answer.certificate)
                    return (chain, key)
                }
                try await clock.sleep(for: pause.next())
            } catch let status as Status where status.code == 401 || status.code == 403 {
                throw Failure("the master does not let this node join: \(status.message); take a new token")
            } catch let error as NetError {
                log.info("the master is not reached yet", ("server", settings.server), ("error", error.description))
                try await clock.sleep(for: backoff.next())
            }
        }
    }
}
