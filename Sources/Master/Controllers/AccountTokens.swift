import Shared

/// Fills the Secrets that ask for a service account's token, and removes them with the account.
/// Source: Kubernetes `controller/serviceaccount/tokens_controller.go`.
struct AccountTokens: Reconciler {
    let client: Client
    /// Secrets of type `Secret.accountTokenType`.
    let secrets: Informer<Secret>
    let accounts: Informer<ServiceAccount>
    /// The cluster's CA in PEM.
    let certificate: String
    let sign: @Sendable (ServiceAccount, Secret) throws -> String

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let secret = secrets.get(namespace: key.namespace, name: key.name), !secret.metadata.isDeleting else {
            return .settled
        }
        let name = secret.metadata.annotations[AccountTokensPlan.accountName] ?? ""
        let account = accounts.get(namespace: key.namespace, name: name)
        do {
            switch AccountTokensPlan.make(secret, account: account, certificate: certificate) {
            case .nothing: break
            case .remove:
                // The cache may be behind; who has just made both does not lose his token.
                if try await isMissing(name, secret) {
                    try await client.delete(Secret.self, namespace: key.namespace, name: key.name)
                }
            case .fill(var filled):
                if let account, AccountTokensPlan.needsToken(filled) {
                    let token = try sign(account, secret)
                    filled.json["data"]["token"] = .string(Base64.encode(Array(token.utf8)))
                }
                _ = try await client.update(filled)
            }
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }

    private func isMissing(_ name: String, _ secret: Secret) async throws -> Bool {
        do {
            let account = try await client.get(ServiceAccount.self, namespace: secret.namespace, name: name)
            let uid = secret.metadata.annotations[AccountTokensPlan.accountUID] ?? ""
            return !uid.isEmpty && uid != account.metadata.uid
        } catch let status as Status where status.reason == .notFound { return true }
    }
}

/// What is to be done about a Secret that asks for a token. Pure.
enum AccountTokensPlan: Equatable {
    case nothing
    /// The account is gone, or is another one.
    case remove
    /// The Secret as it should be, but for the token itself where it has none.
    case fill(Secret)

    static let accountName = "kubernetes.io/service-account.name"
    static let accountUID = "kubernetes.io/service-account.uid"

    static func make(_ secret: Secret, account: ServiceAccount?, certificate: String) -> AccountTokensPlan {
        guard secret.json["type"].string == Secret.accountTokenType else { return .nothing }
        let uid = secret.metadata.annotations[accountUID] ?? ""
        guard let account, uid.isEmpty || uid == account.metadata.uid else { return .remove }
        var filled = secret
        var annotations = filled.metadata.annotations
        annotations[accountUID] = account.metadata.uid
        filled.metadata.annotations = annotations
        func put(_ key: String, _ text: String) { filled.json["data"][key] = .string(Base64.encode(Array(text.utf8))) }
        if !certificate.isEmpty { put("ca.crt", certificate) }
        if filled.json["data"]["namespace"].isNull { put("namespace", secret.namespace) }
        return filled == secret && !needsToken(secret) ? .nothing : .fill(filled)
    }

    static func needsToken(_ secret: Secret) -> Bool { (secret.json["data"]["token"].string ?? "").isEmpty }
}
