import Shared

/// A token with which an agent joins: `ID.SECRET`, kept as a Secret. Source: Kubernetes "Bootstrap Tokens" reference.
struct BootstrapToken {
    /// Six letters or digits; public.
    let id: String
    /// Sixteen letters or digits.
    let secret: String

    static let namespace = "kube-system"
    static let type = "bootstrap.kubernetes.io/token"
    static func secretName(_ id: String) -> String { "bootstrap-token-\(id)" }

    var text: String { "\(id).\(secret)" }

    init(id: String, secret: String) {
        self.id = id
        self.secret = secret
    }

    /// Nil unless the text is six and sixteen lower-case letters or digits with a dot between.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isPlain: (Substring) -> Bool = { part in
            part.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
        }
        guard parts.count == 2, parts[0].count == 6, parts[1].count == 16, parts.allSatisfy(isPlain) else { return nil }
        self.init(id: String(parts[0]), secret: String(parts[1]))
    }

    /// The Secret that makes the token known.
    func secret(ends: Timestamp?) -> Secret {
        var object = Secret(name: BootstrapToken.secretName(id), namespace: BootstrapToken.namespace)
        object.json["type"] = .string(BootstrapToken.type)
        var texts = ["token-id": id, "token-secret": secret, "usage-bootstrap-authentication": "true"]
        texts["expiration"] = ends?.rfc3339
        object.json["data"] = JSON(texts.mapValues { Base64.encode(Array($0.utf8)) })
        return object
    }

    /// Whether a stored Secret says that this token is good now.
    func isKnown(to object: Secret, now: Timestamp) -> Bool {
        guard object.json["type"].string == BootstrapToken.type,
            BootstrapToken.text(object, "usage-bootstrap-authentication") == "true",
            let wanted = BootstrapToken.text(object, "token-secret"),
            Array(wanted.utf8).isEqualInConstantTime(to: Array(secret.utf8))
        else { return false }
        guard let ends = BootstrapToken.text(object, "expiration") else { return true }
        return Timestamp(rfc3339: ends).map { $0 > now } ?? false
    }

    /// More groups that the token gives: those that begin with `system:bootstrappers:`, as Kubernetes allows.
    static func groups(_ object: Secret) -> [String] {
        (text(object, "auth-extra-groups") ?? "").split(separator: ",").map(\.trimmingSpaces)
            .filter { $0.hasPrefix("system:bootstrappers:") }
    }

    static func text(_ object: Secret, _ key: String) -> String? {
        object.json["data"][key].string.flatMap { Base64.decode($0) }.map { String(decoding: $0, as: UTF8.self) }
    }
}
