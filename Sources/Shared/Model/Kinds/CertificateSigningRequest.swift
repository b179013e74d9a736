/// `certificates.k8s.io/v1 CertificateSigningRequest`. Writers: spec = whoever asks, status = approver and signer.
package struct CertificateSigningRequest: Kind {
    package static let type = KindType(
        group: "certificates.k8s.io", version: "v1", kind: "CertificateSigningRequest",
        plural: "certificatesigningrequests",
        isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// The signer of agents' client certificates.
    package static let agentClient = "kubernetes.io/kube-apiserver-client-kubelet"
    /// The signer of agents' serving certificates.
    package static let agentServing = "kubernetes.io/kubelet-serving"

    /// The signer of client certificates of users.
    package static let userClient = "kubernetes.io/kube-apiserver-client"

    package var signer: String { json.at("spec", "signerName").string ?? "" }
    package var username: String { json.at("spec", "username").string ?? "" }
    package var groups: [String] { json.at("spec", "groups").items.compactMap(\.string) }
    /// The PKCS#10 request, PEM; empty when the field does not decode.
    package var requestPEM: [UInt8] { json.at("spec", "request").string.flatMap { Base64.decode($0) } ?? [] }
    /// The signed certificate, PEM; empty until it is signed.
    package var certificate: [UInt8] { json.at("status", "certificate").string.flatMap { Base64.decode($0) } ?? [] }
    package var isApproved: Bool { has("Approved") }
    /// Denied, or failed.
    package var isRefused: Bool { has("Denied") || has("Failed") }

    private func has(_ type: String) -> Bool {
        json.at("status", "conditions").items.contains { $0["type"].string == type && $0["status"].string == "True" }
    }
}
