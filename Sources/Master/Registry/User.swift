import Shared

/// Who makes a request, once that is known.
struct User: Sendable, Hashable {
    let name: String
    let groups: [String]
    let uid: String
    /// Extra facts that tokens carry, such as the pod they are bound to.
    let extra: [String: [String]]

    init(_ name: String, groups: [String] = [], uid: String = "", extra: [String: [String]] = [:]) {
        self.name = name
        self.groups = groups
        self.uid = uid
        self.extra = extra
    }

    /// Who is in it may do everything.
    static let mastersGroup = "system:masters"
    /// Who has shown who he is.
    static let authenticated = "system:authenticated"
    static let anonymous = User("system:anonymous", groups: ["system:unauthenticated"])
    /// The master's own parts that have no narrower identity.
    static let master = User("system:apiserver", groups: ["system:masters", "system:authenticated"])

    /// A controller of the master: `system:serviceaccount:kube-system:NAME`.
    static func controller(_ name: String) -> User {
        User(
            "system:serviceaccount:kube-system:\(name)",
            groups: [
                "system:masters", "system:serviceaccounts", "system:serviceaccounts:kube-system",
                "system:authenticated",
            ])
    }

    /// The node's name for an agent (`system:node:NAME` in group `system:nodes`), nil for others.
    var nodeName: String? {
        let prefix = "system:node:"
        return groups.contains("system:nodes") && name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : nil
    }

    /// The user as reviews and questions to webhooks show him. Source: authentication/v1 `UserInfo`.
    var info: JSON {
        var info: JSON = ["username": .string(name)]
        if !uid.isEmpty { info["uid"] = .string(uid) }
        if !groups.isEmpty { info["groups"] = JSON(groups) }
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) { info["extra"][key] = JSON(values) }
        return info
    }
}
