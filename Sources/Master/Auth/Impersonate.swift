import Shared

/// Acting as somebody else: the headers `Impersonate-User`, `-Group`, `-Uid` and `-Extra-…`, each of which needs the
/// right `impersonate` for what it names. Source: apiserver `endpoints/filters/impersonation.go`.
struct Impersonate: Sendable {
    let authorize: Authorize

    /// Headers that can not be followed, which Kubernetes answers with 500 and a text.
    struct Malformed: Error { let text: String }

    /// One thing that the caller wants to be.
    private struct Wish {
        let kind: String
        let namespace: String
        let name: String
        let apiVersion: String
        /// The key of an extra value.
        let key: String

        /// As Go prints an `ObjectReference`.
        var text: String { "{\(kind) \(namespace) \(name)  \(apiVersion)  \(key)}" }
    }

    /// Whom the request is to be answered for: the caller, unless it asks to be somebody else.
    /// - Throws: 403 in Kubernetes's words; `Malformed` when groups, uid or extra come without a user.
    func callAsFunction(_ caller: User, _ headers: HTTPHeaders) throws -> User {
        let wishes = Impersonate.wishes(headers)
        if wishes.isEmpty { return caller }
        guard wishes.contains(where: { ["User", "ServiceAccount"].contains($0.kind) }) else {
            let list = wishes.map(\.text).joined(separator: " ")
            throw Malformed(text: "requested [\(list)] without impersonating a user")
        }
        var (name, uid) = ("", "")
        var groups: [String] = []
        var extra: [String: [String]] = [:]
        for wish in wishes {
            var info = RequestInfo(method: "GET", segments: [], query: [:])
            info.isResource = true
            info.verb = "impersonate"
            info.namespace = wish.namespace
            info.name = wish.name
            info.version = "v1"
            switch wish.kind {
            case "User":
                info.resource = "users"
                name = wish.name
            case "ServiceAccount":
                info.resource = "serviceaccounts"
                name = "system:serviceaccount:\(wish.namespace):\(wish.name)"
            case "Group":
                info.resource = "groups"
                groups.append(wish.name)
            case "UID":
                (info.group, info.resource) = ("authentication.k8s.io", "uids")
                uid = wish.name
            default:
                (info.group, info.resource, info.subresource) = ("authentication.k8s.io", "userextras", wish.key)
                extra[wish.key, default: []].append(wish.name)
            }
            try authorize(caller, info)
        }
        if groups.isEmpty, let account = ServiceAccountName(userName: name) { groups = account.groups }
        let implied = name == User.anonymous.name ? "system:unauthenticated" : "system:authenticated"
        let known = ["system:authenticated", "system:unauthenticated"]
        if !groups.contains(where: known.contains) { groups.append(implied) }
        return User(name, groups: groups, uid: uid, extra: extra)
    }

    private static func wishes(_ headers: HTTPHeaders) -> [Wish] {
        var wishes: [Wish] = []
        let authentication = "authentication.k8s.io/v1"
        if let name = headers["Impersonate-User"], !name.isEmpty {
            if let account = ServiceAccountName(userName: name) {
                wishes.append(
                    Wish(
                        kind: "ServiceAccount", namespace: account.namespace, name: account.name, apiVersion: "",
                        key: ""))
            } else {
                wishes.append(Wish(kind: "User", namespace: "", name: name, apiVersion: "", key: ""))
            }
        }
        for group in headers.all("Impersonate-Group") {
            wishes.append(Wish(kind: "Group", namespace: "", name: group, apiVersion: "", key: ""))
        }
        let prefix = "impersonate-extra-"
        for field in headers.fields {
            let header = field.name.lowercased()
            guard header.hasPrefix(prefix) else { continue }
            let given = header.dropFirst(prefix.count)
            let key = (URLText.decode(given) ?? String(given)).lowercased()
            wishes.append(
                Wish(kind: "UserExtra", namespace: "", name: field.value, apiVersion: authentication, key: key))
        }
        if let uid = headers["Impersonate-Uid"], !uid.isEmpty {
            wishes.append(Wish(kind: "UID", namespace: "", name: uid, apiVersion: authentication, key: ""))
        }
        return wishes
    }
}

/// The two names in the user name of a service account: `system:serviceaccount:NAMESPACE:NAME`.
struct ServiceAccountName: Sendable {
    let namespace: String
    let name: String

    init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// Nil for users that are no service accounts.
    init?(userName: String) {
        let parts = userName.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount", !parts[2].isEmpty,
            !parts[3].isEmpty
        else { return nil }
        self.init(namespace: String(parts[2]), name: String(parts[3]))
    }

    var userName: String { "system:serviceaccount:\(namespace):\(name)" }
    var groups: [String] { ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"] }
}
