import Shared

/// Tokens of service accounts: signed by the master, bound to an account and possibly a pod, secret or node, and
/// short-lived. Source: KEP-1205 (bound tokens), KEP-4193 (node information), RFC 7519 (JWT), `TokenRequest`.
struct ServiceAccountTokens: Sendable {
    let key: PrivateKey
    let issuer: String
    let clock: any WallClock
    /// A stored object; nil when it does not exist. Tokens of deleted accounts and pods are refused.
    let find: @Sendable (ObjectKey) -> Stored?

    /// Shortest life of a token, and the longest that is given, seconds. Source: `TokenRequest` validation; longer
    /// wishes are cut.
    private static let seconds = 600...(365 * 24 * 3600)

    // MARK: Giving

    /// The answered `TokenRequest`, with the token in its status.
    /// - Throws: 422 for a life that is too short, 400, 404 and 409 for an object that it can not be bound to.
    func issue(_ request: JSON, namespace: String, account: Stored) throws(Status) -> JSON {
        let now = clock.now()
        let name = account.key.name
        if let given = request["metadata"]["name"].string, !given.isEmpty, given != name {
            throw Status(.badRequest, "name \"\(given)\" does not match service account name \"\(name)\"")
        }
        let wanted = request["spec"]["expirationSeconds"].int ?? 3600
        if wanted < Self.seconds.lowerBound || wanted > 1 << 32 {
            let why =
                wanted > 1 << 32
                ? "may not specify a duration larger than 2^32 seconds"
                : "may not specify a duration less than 10 minutes"
            var status = Status(
                .invalid,
                "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: \(wanted): \(why)"
            )
            (status.group, status.kind) = ("authentication.k8s.io", "TokenRequest")
            status.causes = [
                .init(
                    reason: "FieldValueInvalid", message: "Invalid value: \(wanted): \(why)",
                    field: "spec.expirationSeconds")
            ]
            throw status
        }
        let life = min(wanted, Self.seconds.upperBound)
        let given = request["spec"]["audiences"].items.compactMap(\.string)
        let audiences = given.isEmpty ? [issuer] : given
        var facts: JSON = ["namespace": .string(namespace)]
        for (kind, fact) in try bound(request["spec"]["boundObjectRef"], namespace, name) { facts[kind] = fact }
        facts["serviceaccount"] = ["name": .string(name), "uid": .string(account.projection.uid)]
        let claims: JSON = [
            "aud": JSON(audiences), "exp": .int(now.seconds + Int64(life)), "iat": .int(now.seconds),
            "iss": .string(issuer), "jti": .string(ServiceAccountTokens.identifier()), "kubernetes.io": facts,
            "nbf": .int(now.seconds), "sub": .string("system:serviceaccount:\(namespace):\(name)"),
        ]
        let token = try sign(claims)
        var answer: JSON = ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"]
        answer["metadata"] = [
            "name": .string(name), "namespace": .string(namespace), "creationTimestamp": .string(now.rfc3339),
        ]
        answer["spec"] = ["audiences": JSON(audiences), "expirationSeconds": JSON(life)]
        let reference = request["spec"]["boundObjectRef"]
        answer["spec"]["boundObjectRef"] = reference
        answer["status"] = [
            "token": .string(token), "expirationTimestamp": .string((now + .seconds(life)).rfc3339),
        ]
        return answer
    }

    /// A token without an end, for a Secret that somebody made for it: good as long as the Secret holds it and the
    /// account is there. Source: Kubernetes `serviceaccount/legacy.go`.
    func unending(_ account: ServiceAccount, in secret: Secret) throws(Status) -> String {
        try sign([
            "iss": .string(Self.unendingIssuer), "kubernetes.io/serviceaccount/namespace": .string(account.namespace),
            "kubernetes.io/serviceaccount/secret.name": .string(secret.name),
            "kubernetes.io/serviceaccount/service-account.name": .string(account.name),
            "kubernetes.io/serviceaccount/service-account.uid": .string(account.metadata.uid),
            "sub": .string("system:serviceaccount:\(account.namespace):\(account.name)"),
        ])
    }
    private static let unendingIssuer = "kubernetes/serviceaccount"

    /// The account of a token without an end; nil unless its Secret still holds it.
    private func account(unending claims: JSON, _ token: String) -> User? {
        func claim(_ name: String) -> String { claims["kubernetes.io/serviceaccount/\(name)"].string ?? "" }
        let namespace = claim("namespace")
        guard
            let stored = find(
                ObjectKey(Secret.type.resource, namespace: namespace, name: claim("secret.name"))),
            let secret = try? stored.json(), secret["metadata"]["deletionTimestamp"].isNull,
            secret["data"]["token"].string.flatMap({ Base64.decode($0) }) == Array(token.utf8)
        else { return nil }
        return account([
            "kubernetes.io": [
                "namespace": .string(namespace),
                "serviceaccount": [
                    "name": .string(claim("service-account.name")), "uid": .string(claim("service-account.uid")),
                ],
            ]
        ])
    }

    private static func identifier() -> String {
        var generator = SystemRandomNumberGenerator()
        return RandomNames.uid(using: &generator)
    }

    /// What the token says about the object that it ends with.
    private func bound(_ reference: JSON, _ namespace: String, _ account: String) throws(Status) -> [(String, JSON)] {
        guard let kind = reference["kind"].string, !kind.isEmpty else { return [] }
        let name = reference["name"].string ?? ""
        let version = reference["apiVersion"].string ?? "v1"
        guard let key = ServiceAccountTokens.key(kind, namespace, name), version == "v1"
        else {
            throw Status(
                .badRequest,
                "cannot bind token to object of type \(version.contains("/") ? "" : "/")\(version), Kind=\(kind)"
            )
        }
        guard let found = find(key) else { throw Status.notFound(key.resource, name) }
        let uid = reference["uid"].string ?? ""
        guard uid.isEmpty || uid == found.projection.uid else {
            throw Status.conflict(
                key.resource, name,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated"
            )
        }
        var facts: [(String, JSON)] = [
            (kind.lowercased(), ["name": .string(name), "uid": .string(found.projection.uid)])
        ]
        guard kind == "Pod" else { return facts }
        let pod = Pod(try found.json())
        guard pod.spec.serviceAccountName == account else {
            throw Status(
                .badRequest,
                "cannot bind token for serviceaccount \"\(account)\" to pod running with different serviceaccount name."
            )
        }
        let node = pod.spec.nodeName
        if !node.isEmpty {
            var fact: JSON = ["name": .string(node)]
            if let stored = find(ObjectKey(Node.type.resource, name: node)) {
                fact["uid"] = .string(stored.projection.uid)
            }
            facts.insert(("node", fact), at: 0)
        }
        return facts
    }

    private static func key(_ kind: String, _ namespace: String, _ name: String) -> ObjectKey? {
        switch kind {
        case "Pod": ObjectKey(Pod.type.resource, namespace: namespace, name: name)
        case "Secret": ObjectKey(Secret.type.resource, namespace: namespace, name: name)
        case "Node": ObjectKey(Node.type.resource, name: name)
        default: nil
        }
    }

    private func sign(_ claims: JSON) throws(Status) -> String {
        let header: JSON = ["alg": .string(key.publicKey.algorithm.rawValue), "kid": .string(keyID)]
        let text = Base64.encodeURL(header.encoded) + "." + Base64.encodeURL(claims.encoded)
        do {
            return text + "." + Base64.encodeURL(try key.sign(Array(text.utf8)))
        } catch {
            throw Status(.internalError, "the token can not be signed: \(error); see DIR/pki/service-account.key")
        }
    }

    /// Names the key in the token's head and in the key set.
    private var keyID: String { Base64.encodeURL(SHA256.hash(key.publicKey.der)) }

    // MARK: Reading

    /// The account's user, and for which of the audiences the token is good; nil unless the token is ours, in its time,
    /// meant for one of them, and all that it is bound to still exists.
    /// - Parameter audiences: empty means this server.
    func user(of token: String, audiences: [String]) -> (user: User, audiences: [String])? {
        guard token.utf8.count <= Limits.tokenBytesMax else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64.decodeURL(parts[0]).flatMap({ try? JSON(parsing: $0) }),
            head["alg"].string == key.publicKey.algorithm.rawValue,
            let signature = Base64.decodeURL(String(parts[2])),
            key.publicKey.isValid(signature, of: Array("\(parts[0]).\(parts[1])".utf8)),
            let bytes = Base64.decodeURL(String(parts[1])), let claims = try? JSON(parsing: bytes)
        else { return nil }
        if claims["iss"].string == Self.unendingIssuer {
            let good = audiences.isEmpty ? [issuer] : audiences.filter { $0 == issuer }
            return good.isEmpty ? nil : account(unending: claims, token).map { ($0, good) }
        }
        let now = clock.now().seconds
        let meant = claims["aud"].string.map { [$0] } ?? claims["aud"].items.compactMap(\.string)
        let good = (audiences.isEmpty ? [issuer] : audiences).filter(meant.contains)
        guard claims["iss"].string == issuer, let expires = claims["exp"].int, Int64(expires) > now,
            let start = claims["nbf"].int, Int64(start) <= now + 60, !good.isEmpty
        else { return nil }
        return account(claims).map { ($0, good) }
    }

    private func account(_ claims: JSON) -> User? {
        let facts = claims["kubernetes.io"]
        guard let namespace = facts["namespace"].string, let name = facts["serviceaccount"]["name"].string,
            let uid = facts["serviceaccount"]["uid"].string,
            find(ObjectKey(ServiceAccount.type.resource, namespace: namespace, name: name))?.projection.uid == uid
        else { return nil }
        var extra: [String: [String]] = [:]
        if let id = claims["jti"].string { extra["authentication.kubernetes.io/credential-id"] = ["JTI=\(id)"] }
        for kind in ["Pod", "Secret"] {
            let fact = facts[kind.lowercased()]
            guard let boundName = fact["name"].string else { continue }
            guard let key = ServiceAccountTokens.key(kind, namespace, boundName),
                find(key)?.projection.uid == fact["uid"].string
            else { return nil }
            guard kind == "Pod" else { continue }
            extra["authentication.kubernetes.io/pod-name"] = [boundName]
            extra["authentication.kubernetes.io/pod-uid"] = [fact["uid"].string ?? ""]
        }
        let node = facts["node"]
        if let nodeName = node["name"].string {
            // A token that is bound to the node itself ends with it; one of a pod ends with the pod.
            if facts["pod"].isNull,
                find(ObjectKey(Node.type.resource, name: nodeName))?.projection.uid != node["uid"].string
            {
                return nil
            }
            extra["authentication.kubernetes.io/node-name"] = [nodeName]
            if let nodeUID = node["uid"].string { extra["authentication.kubernetes.io/node-uid"] = [nodeUID] }
        }
        let account = ServiceAccountName(namespace: namespace, name: name)
        return User(account.userName, groups: account.groups + [User.authenticated], uid: uid, extra: extra)
    }
}

extension ServiceAccountTokens {
    /// `/.well-known/openid-configuration`: by which others check tokens. Source: OpenID Connect Discovery 1.0.
    func openIDConfiguration(serverAddress: String) -> JSON {
        [
            "issuer": .string(issuer), "jwks_uri": .string("https://\(serverAddress)/openid/v1/jwks"),
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [.string(key.publicKey.algorithm.rawValue)],
        ]
    }

    /// `/openid/v1/jwks`: the public key. Source: RFC 7517, RFC 7518 section 6.
    var keySet: JSON {
        var key: JSON = ["use": "sig"]
        if let point = self.key.publicKey.point {
            key["kty"] = "EC"
            key["kid"] = .string(keyID)
            key["crv"] = "P-256"
            key["alg"] = "ES256"
            key["x"] = .string(Base64.encodeURL(point.x))
            key["y"] = .string(Base64.encodeURL(point.y))
        } else if let modulus = self.key.publicKey.modulus {
            key["kty"] = "RSA"
            key["kid"] = .string(keyID)
            key["alg"] = "RS256"
            key["n"] = .string(Base64.encodeURL(modulus.n))
            key["e"] = .string(Base64.encodeURL(modulus.e))
        }
        return ["keys": [key]]
    }
}

extension Limits {
    /// Bytes of a bearer token; longer ones are none of ours.
    static let tokenBytesMax = 16_384
}
