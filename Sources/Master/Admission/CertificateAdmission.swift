import Shared

extension AdmissionPlugin {
    private static let group = "certificates.k8s.io"

    /// Writes into a certificate request who asks, which nobody can say of himself.
    /// Source: `registry/certificates/certificates/strategy.go`.
    static let certificateRequests = AdmissionPlugin(name: "CertificateRequests") { call throws(Status) in
        guard call.operation == .create, call.concerns("certificatesigningrequests", group: group) else { return }
        call.object["spec"]["username"] = .string(call.user.name)
        call.object["spec"].set("uid", call.user.uid.isEmpty ? nil : .string(call.user.uid))
        call.object["spec"]["groups"] = JSON(call.user.groups)
        var extra = JSON.Members()
        for (key, values) in call.user.extra.sorted(by: { $0.key < $1.key }) { extra.append(key, JSON(values)) }
        call.object["spec"].set("extra", extra.isEmpty ? nil : .object(extra))
        call.object["status"] = [:]
    }

    /// Nobody gets a certificate of the group that may do everything through a request.
    /// Source: plugin/pkg/admission/certificates/subjectrestriction.
    static let certificateSubjects = AdmissionPlugin(name: "CertificateSubjectRestriction") { call throws(Status) in
        guard call.operation == .create, call.concerns("certificatesigningrequests", group: group) else { return }
        let request = CertificateSigningRequest(call.object)
        guard request.signer == CertificateSigningRequest.userClient,
            let wanted = try? CertificateRequest(pem: request.requestPEM),
            wanted.subject.organizations.contains(User.mastersGroup)
        else { return }
        throw Status.forbidden(
            call.resource.groupResource, call.name,
            "use of \(CertificateSigningRequest.userClient) signer with \(User.mastersGroup) group is not allowed")
    }

    /// Who approves or denies needs the verb `approve` on the signer, who signs the verb `sign`.
    /// Source: plugin/pkg/admission/certificates/approval, …/signing.
    static func certificateSigners(_ authorize: Authorize) -> Self {
        AdmissionPlugin(name: "CertificateApproval") { call throws(Status) in
            guard call.operation == .update, call.resource.groupResource.description == requests else { return }
            let signer = CertificateSigningRequest(call.old).signer
            switch call.subresource {
            case "approval": try check(call, authorize, "approve", signer)
            case "status":
                let (old, new) = (call.old["status"], call.object["status"])
                let isSigned = old["certificate"] != new["certificate"]
                let failed: (JSON) -> Bool = { $0["conditions"].items.contains { $0["type"].string == "Failed" } }
                if isSigned || (failed(new) && !failed(old)) { try check(call, authorize, "sign", signer) }
            default: return
            }
        }
    }

    private static let requests = "certificatesigningrequests.certificates.k8s.io"

    private static func check(
        _ call: AdmissionCall, _ authorize: Authorize, _ verb: String, _ signer: String
    ) throws(Status) {
        var info = RequestInfo(method: "GET", segments: [], query: [:])
        info.isResource = true
        info.verb = verb
        (info.group, info.version, info.resource, info.name) = (group, "v1", "signers", signer)
        if authorize.allows(call.user, info) { return }
        info.name = signer.prefix { $0 != "/" } + "/*"
        if authorize.allows(call.user, info) { return }
        throw Status.forbidden(
            call.resource.groupResource, call.name,
            "user not permitted to \(verb) requests with signerName \(JSON.string(signer).text)")
    }
}
