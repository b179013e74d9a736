import Shared

extension AdmissionPlugin {
    /// Writes into a certificate request who asks, which nobody can say of himself, and into an approval nothing else.
    /// Source: `registry/certificates/certificates/strategy.go`.
    static let certificateRequests = AdmissionPlugin(name: "CertificateRequests") { call throws(Status) in
        guard call.operation == .create, call.concerns("certificatesigningrequests", group: "certificates.k8s.io")
        else { return }
        call.object["spec"]["username"] = .string(call.user.name)
        call.object["spec"].set("uid", call.user.uid.isEmpty ? nil : .string(call.user.uid))
        call.object["spec"]["groups"] = JSON(call.user.groups)
        var extra = JSON.Members()
        for (key, values) in call.user.extra.sorted(by: { $0.key < $1.key }) { extra.append(key, JSON(values)) }
        call.object["spec"].set("extra", extra.isEmpty ? nil : .object(extra))
        call.object["status"] = [:]
    }
}
