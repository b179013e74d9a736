import Shared

/// Approves and signs the certificate requests of agents: client certificates for those that joined with a token, and
/// serving certificates for nodes. Requests of other signers wait for a person. A person's approval is signed as well.
/// Source: certificates.k8s.io/v1, KEP-1513; signers `kubernetes.io/kube-apiserver-client-kubelet`, `kubelet-serving`.
struct CertificateSigner: Reconciler {
    let client: Client
    let requests: Informer<CertificateSigningRequest>
    let nodes: Informer<Node>
    let authority: CertificateAuthority
    let clock: any WallClock

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard var request = requests.get(name: key.name), request.certificate.isEmpty, !request.isRefused else {
            return .settled
        }
        if !request.isApproved {
            guard let reason = approval(request) else { return .settled }
            let condition = Condition(
                "Approved", true, reason: "AutoApproved", message: reason, since: clock.now())
            request.json["status"]["conditions"] = .array(request.json["status"]["conditions"].items + [condition.json])
            request = try await client.update(request, subresource: "approval")
        }
        guard let uses = uses(request), let wanted = try? CertificateRequest(pem: request.requestPEM) else {
            return .settled
        }
        let seconds = min(max(request.json["spec"]["expirationSeconds"].int ?? 365 * 86_400, 600), 365 * 86_400)
        let certificate = try authority.issue(
            uses, for: wanted, from: clock.now() - .seconds(300), for: .seconds(seconds))
        request.json["status"]["certificate"] = .string(Base64.encode(certificate.pem))
        _ = try await client.updateStatus(request)
        return .settled
    }

    /// Why the request is approved without a person; nil when it is not.
    private func approval(_ request: CertificateSigningRequest) -> String? {
        guard let wanted = try? CertificateRequest(pem: request.requestPEM) else { return nil }
        let prefix = "system:node:"
        guard wanted.subject.organizations == ["system:nodes"], wanted.subject.commonName.hasPrefix(prefix) else {
            return nil
        }
        switch request.signer {
        case CertificateSigningRequest.agentClient:
            let mayJoin =
                request.groups.contains("system:bootstrappers") || request.username == wanted.subject.commonName
            return mayJoin && wanted.subjectAltNames.isEmpty
                ? "Auto approving kubelet client certificate after SubjectAccessReview." : nil
        case CertificateSigningRequest.agentServing:
            guard request.username == wanted.subject.commonName, !wanted.subjectAltNames.isEmpty else { return nil }
            let name = String(wanted.subject.commonName.dropFirst(prefix.count))
            let known =
                nodes.get(name: name)?.json.at("status", "addresses").items.compactMap { $0["address"].string } ?? []
            let names = wanted.subjectAltNames.dns + wanted.subjectAltNames.addresses
            // A node that registers itself asks before its addresses are known: its own name is enough then.
            let isOwn = names.allSatisfy { known.contains($0) || $0 == name } || known.isEmpty
            return isOwn ? "Auto approving kubelet server certificate after address check." : nil
        default: return nil
        }
    }

    private func uses(_ request: CertificateSigningRequest) -> CertificateUses? {
        switch request.signer {
        case CertificateSigningRequest.agentClient, "kubernetes.io/kube-apiserver-client": .client
        case CertificateSigningRequest.agentServing: .server
        default: nil
        }
    }
}
