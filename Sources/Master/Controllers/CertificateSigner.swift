import Shared

/// Approves the certificate requests of agents that may have them, and signs what is approved, by whomever: client
/// certificates of agents and of users, and serving certificates of nodes. Requests of other signers are left to those.
/// A request that is done with, or that nobody decides on, is removed after a while.
/// Source: certificates.k8s.io/v1, KEP-1513; pkg/controller/certificates (approver, signer, cleaner).
struct CertificateSigner: Reconciler {
    let client: Client
    let requests: Informer<CertificateSigningRequest>
    let nodes: Informer<Node>
    let authority: CertificateAuthority
    let clock: any WallClock

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let request = requests.get(name: key.name) else { return .settled }
        if request.certificate.isEmpty, !request.isRefused { try await decide(request) }
        guard let end = CertificateSigner.end(of: request) else { return .settled }
        let left = end - clock.now()
        if left > .zero { return .again(after: left) }
        do {
            try await client.delete(CertificateSigningRequest.self, name: request.name, uid: request.metadata.uid)
        } catch let status as Status where status.reason == .notFound || status.reason == .conflict {}
        return .settled
    }

    private func decide(_ asked: CertificateSigningRequest) async throws {
        var request = asked
        if !request.isApproved {
            guard let approval = CertificateSigner.approval(request, addresses: addresses(of: request)),
                try await isAllowed(request, approval.right)
            else { return }
            request.conditions.append(
                Condition("Approved", true, reason: "AutoApproved", message: approval.text, since: clock.now()))
            request = try await client.update(request, subresource: "approval")
        }
        guard let wanted = try? CertificateRequest(pem: request.requestPEM),
            let verdict = CertificateSigner.verdict(request, wanted)
        else { return }
        switch verdict {
        case .sign(let uses):
            let asked = request.json["spec"]["expirationSeconds"].int ?? CertificateSigner.lifeSeconds.upperBound
            let seconds = min(
                max(asked, CertificateSigner.lifeSeconds.lowerBound), CertificateSigner.lifeSeconds.upperBound)
            let certificate = try authority.issue(
                uses, for: wanted, from: clock.now() - .seconds(300), for: .seconds(seconds + 300))
            request.json["status"]["certificate"] = .string(Base64.encode(certificate.pem))
        case .refuse(let why):
            request.conditions.append(
                Condition("Failed", true, reason: "SignerValidationFailure", message: why, since: clock.now()))
        }
        _ = try await client.updateStatus(request)
    }

    /// Source: `CertificateSigningRequestSpec.expirationSeconds` (ten minutes at least); a year is kube-controller-manager's default.
    private static let lifeSeconds = 600...(365 * 86_400)
    private static let nodePrefix = "system:node:"

    private func addresses(of request: CertificateSigningRequest) -> [String] {
        guard let wanted = try? CertificateRequest(pem: request.requestPEM) else { return [] }
        let name = String(wanted.subject.commonName.dropFirst(CertificateSigner.nodePrefix.count))
        return nodes.get(name: name)?.json.at("status", "addresses").items.compactMap { $0["address"].string } ?? []
    }

    /// Asks the server whether whoever made the request may have it approved without a person.
    private func isAllowed(_ request: CertificateSigningRequest, _ right: String) async throws -> Bool {
        guard !right.isEmpty else { return true }
        let spec = request.json["spec"]
        var review: JSON = [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": [
                "user": spec["username"], "groups": spec["groups"],
                "resourceAttributes": [
                    "group": "certificates.k8s.io", "resource": "certificatesigningrequests", "verb": "create",
                    "subresource": .string(right), "version": "*",
                ],
            ],
        ]
        if !spec["uid"].isNull { review["spec"]["uid"] = spec["uid"] }
        if !spec["extra"].isNull { review["spec"]["extra"] = spec["extra"] }
        let answer = try await client.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body: review)
        return answer["status"]["allowed"].bool ?? false
    }
}

extension CertificateSigner {
    /// Why a request may be approved without a person, and the right that its maker needs for that.
    struct Approval: Equatable {
        /// A subresource of certificate requests that he must be allowed to create; empty when the rule alone decides.
        let right: String
        let text: String
    }

    /// Nil when only a person can approve the request.
    /// - Parameter addresses: the addresses that the node of the request is known to have.
    static func approval(_ request: CertificateSigningRequest, addresses: [String]) -> Approval? {
        guard let wanted = try? CertificateRequest(pem: request.requestPEM), isNode(wanted) else { return nil }
        switch request.signer {
        case CertificateSigningRequest.agentClient:
            guard problem(request, wanted) == nil else { return nil }
            let isSelf = request.username == wanted.subject.commonName
            return Approval(
                right: isSelf ? "selfnodeclient" : "nodeclient",
                text: isSelf
                    ? "Auto approving self kubelet client certificate after SubjectAccessReview."
                    : "Auto approving kubelet client certificate after SubjectAccessReview.")
        case CertificateSigningRequest.agentServing:
            guard request.username == wanted.subject.commonName, problem(request, wanted) == nil else { return nil }
            let name = String(wanted.subject.commonName.dropFirst(nodePrefix.count))
            let names = wanted.subjectAltNames.dns + wanted.subjectAltNames.addresses
            // A node that registers itself asks before its addresses are known; no other name is believed even then.
            let unknown = addresses.isEmpty ? wanted.subjectAltNames.addresses : []
            let isOwn = names.allSatisfy { $0 == name || addresses.contains($0) || unknown.contains($0) }
            return isOwn
                ? Approval(right: "", text: "Auto approving kubelet server certificate after address check.") : nil
        default: return nil
        }
    }

    /// When a request is of no more use; nil while one that is approved waits for its certificate.
    /// Source: `pkg/controller/certificates/cleaner`.
    static func end(of request: CertificateSigningRequest) -> Timestamp? {
        let conditions = request.conditions
        guard !conditions.isEmpty else {
            return request.metadata.creationTimestamp.map { $0 + Limits.pendingCertificateRequest }
        }
        let final = request.certificate.isEmpty ? ["Denied", "Failed"] : ["Approved", "Denied", "Failed"]
        let ends = conditions.filter { final.contains($0.type) && $0.isTrue }
            .compactMap { $0.lastUpdateTime ?? $0.lastTransitionTime }
        return ends.min().map { $0 + Limits.decidedCertificateRequest }
    }

    enum Verdict: Equatable {
        case sign(CertificateUses)
        case refuse(String)
    }

    /// What becomes of an approved request; nil when another signer is asked.
    static func verdict(_ request: CertificateSigningRequest, _ wanted: CertificateRequest) -> Verdict? {
        let uses: CertificateUses
        switch request.signer {
        case CertificateSigningRequest.agentClient, CertificateSigningRequest.userClient: uses = .client
        case CertificateSigningRequest.agentServing: uses = .server
        default: return nil
        }
        return problem(request, wanted).map { .refuse($0) } ?? .sign(uses)
    }

    /// Why the signer does not sign such a request; nil when it does.
    private static func problem(_ request: CertificateSigningRequest, _ wanted: CertificateRequest) -> String? {
        let usages = Set(request.json["spec"]["usages"].items.compactMap(\.string))
        let needed = request.signer == CertificateSigningRequest.agentServing ? "server auth" : "client auth"
        let allowed: Set<String> = ["digital signature", "key encipherment", needed]
        guard usages.contains(needed), usages.isSubset(of: allowed) else {
            return "usages must be \"\(needed)\", with \"digital signature\" and \"key encipherment\" if wanted"
        }
        switch request.signer {
        case CertificateSigningRequest.agentClient:
            guard isNode(wanted) else { return "subject organization is not system:nodes or the name is no node's" }
            return wanted.subjectAltNames.isEmpty ? nil : "names beside the subject are not allowed"
        case CertificateSigningRequest.agentServing:
            guard isNode(wanted) else { return "subject organization is not system:nodes or the name is no node's" }
            let hasName = !wanted.subjectAltNames.dns.isEmpty || !wanted.subjectAltNames.addresses.isEmpty
            return hasName ? nil : "at least one DNS name or address is needed"
        default: return nil
        }
    }

    private static func isNode(_ wanted: CertificateRequest) -> Bool {
        wanted.subject.organizations == ["system:nodes"] && wanted.subject.commonName.hasPrefix(nodePrefix)
            && wanted.subject.commonName.count > nodePrefix.count
    }
}

extension Limits {
    /// How long a certificate request is kept that nobody decides on.
    static let pendingCertificateRequest = Duration.seconds(24 * 3600)
    /// How long one is kept that was signed or refused.
    static let decidedCertificateRequest = Duration.seconds(3600)
}
