import Shared

/// Tokens of service accounts: signed by the master, bound to an account and possibly a pod, and short-lived.
/// Source: KEP-1205 (bound tokens), RFC 7519 (JWT), `authentication.k8s.io/v1 TokenRequest`.
struct ServiceAccountTokens: Sendable {
    let key: PrivateKey
    let issuer: String
    let clock: any WallClock
    /// The uid of a stored object; nil when it does not exist. Tokens of deleted accounts and pods are refused.
    let uid: @Sendable (ObjectKey) -> String?

    /// Shortest and longest life of a token, seconds. Source: `TokenRequest` validation; longer wishes are cut.
    private static let seconds = 600...(365 * 24 * 3600)

    /// Whether `user` may have this token. An agent gets tokens only for pods on its own node.
    /// - Returns: the node's name when an agent asks.
    func check(_ user: User, _ request: JSON, namespace: String, account: String, storage: Storage) async throws(Status)
        -> String
    {
        guard let node = user.nodeName else { return "" }
        let bound = request["spec"]["boundObjectRef"]
        let refusal = Status.forbidden(
            GroupResource("serviceaccounts"), account, "node \(node) may only have tokens that are bound to pods on it")
        guard bound["kind"].string == "Pod", let name = bound["name"].string,
            let stored = storage.store.get(ObjectKey(Pod.type.resource, namespace: namespace, name: name))
        else { throw refusal }
        let pod = Pod(try stored.json())
        guard pod.spec.nodeName == node, pod.spec.serviceAccountName == account, bound["uid"].string == pod.metadata.uid
        else { throw refusal }
        return node
    }

    /// The answered `TokenRequest`, with the token in its status.
    func issue(_ request: JSON, namespace: String, name: String, uid: String, node: String) throws(Status) -> JSON {
        let now = clock.now()
        let wanted = request["spec"]["expirationSeconds"].int ?? 3600
        guard wanted >= Self.seconds.lowerBound else {
            throw Status(
                .invalid,
                "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: \(wanted): may not specify a duration less than 10 minutes"
            )
        }
        let life = min(wanted, Self.seconds.upperBound)
        let audiences =
            request["spec"]["audiences"].items.isEmpty ? [.string(issuer)] : request["spec"]["audiences"].items
        var facts: JSON = [
            "namespace": .string(namespace), "serviceaccount": ["name": .string(name), "uid": .string(uid)],
        ]
        let bound = request["spec"]["boundObjectRef"]
        if let kind = bound["kind"].string, let boundName = bound["name"].string {
            facts[kind.lowercased()] = ["name": .string(boundName), "uid": bound["uid"]]
        }
        if !node.isEmpty { facts["node"] = ["name": .string(node)] }
        let claims: JSON = [
            "aud": .array(audiences), "exp": .int(now.seconds + Int64(life)), "iat": .int(now.seconds),
            "iss": .string(issuer),
            "kubernetes.io": facts, "nbf": .int(now.seconds),
            "sub": .string("system:serviceaccount:\(namespace):\(name)"),
        ]
        let token = try sign(claims)
        var answer = request
        answer["kind"] = "TokenRequest"
        answer["apiVersion"] = "authentication.k8s.io/v1"
        answer["metadata"] = [
            "name": .string(name), "namespace": .string(namespace), "creationTimestamp": .string(now.rfc3339),
        ]
        answer["spec"]["expirationSeconds"] = JSON(life)
        answer["spec"]["audiences"] = .array(audiences)
        answer["status"] = [
            "token": .string(token), "expirationTimestamp": .string((now + .seconds(life)).rfc3339),
        ]
        return answer
    }

    private func sign(_ claims: JSON) throws(Status) -> String {
        let header: JSON = ["alg": "ES256", "kid": .string(keyID), "typ": "JWT"]
        let text = Base64.encodeURL(header.encoded) + "." + Base64.encodeURL(claims.encoded)
        do {
            return text + "." + Base64.encodeURL(try key.sign(Array(text.utf8)))
        } catch {
            throw Status(.internalError, "the token can not be signed: \(error)")
        }
    }

    /// Names the key in the token's head.
    private var keyID: String { Base64.encodeURL(Array(SHA256.hash(Array(issuer.utf8)).prefix(12))) }

    /// The account's user; nil unless the token is ours, in its time, and all that it is bound to still exists.
    func user(of token: String) -> User? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64.decodeURL(String(parts[2])),
            key.publicKey.isValid(signature, of: Array("\(parts[0]).\(parts[1])".utf8)),
            let bytes = Base64.decodeURL(String(parts[1])), let claims = try? JSON(parsing: bytes)
        else { return nil }
        let now = clock.now().seconds
        guard claims["iss"].string == issuer, let expires = claims["exp"].int, Int64(expires) > now,
            let start = claims["nbf"].int, Int64(start) <= now + 60,
            claims["aud"].items.contains(.string(issuer))
        else { return nil }
        let facts = claims["kubernetes.io"]
        guard let namespace = facts["namespace"].string, let name = facts["serviceaccount"]["name"].string,
            let uid = facts["serviceaccount"]["uid"].string,
            self.uid(ObjectKey(ServiceAccount.type.resource, namespace: namespace, name: name)) == uid
        else { return nil }
        var extra: [String: [String]] = [:]
        if let pod = facts["pod"]["name"].string, let podUID = facts["pod"]["uid"].string {
            guard self.uid(ObjectKey(Pod.type.resource, namespace: namespace, name: pod)) == podUID else { return nil }
            extra["authentication.kubernetes.io/pod-name"] = [pod]
            extra["authentication.kubernetes.io/pod-uid"] = [podUID]
        }
        return User(
            "system:serviceaccount:\(namespace):\(name)",
            groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"], uid: uid,
            extra: extra)
    }
}
