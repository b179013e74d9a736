import Shared

/// Role-based access: all roles and bindings, indexed so that a request looks only at what is bound to its user.
/// Source: rbac.authorization.k8s.io/v1, `plugin/pkg/auth/authorizer/rbac`.
struct RBAC: Sendable {
    /// A user or a group. A service account is the user that it acts as.
    fileprivate struct Subject: Hashable {
        let isGroup: Bool
        let name: String
    }

    fileprivate struct Binding {
        struct Named {
            let subject: Subject
            /// `User "anna"`, `ServiceAccount "robot/default"`: how decisions name it.
            let text: String
        }
        let name: String
        /// Empty for cluster-wide bindings.
        let namespace: String
        let isCluster: Bool
        /// Whether the role is a ClusterRole.
        let bindsClusterRole: Bool
        let role: String
        let subjects: [Named]
    }

    /// The bindings of one namespace, or those for the whole cluster.
    fileprivate struct Table {
        var bindings: [String: Binding] = [:]
        /// Names of bindings by subject, sorted.
        var names: [Subject: [String]] = [:]
    }

    private var clusterRoles: [String: [PolicyRule]] = [:]
    /// By `namespace/name`.
    private var roles: [String: [PolicyRule]] = [:]
    /// By namespace; the cluster's own are under the empty name.
    private var tables: [String: Table] = [:]

    /// What allowed a request.
    struct Grant: Sendable {
        /// `RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to User "z"`.
        let text: String
    }
}

extension RBAC {
    // MARK: Changes

    static let group = "rbac.authorization.k8s.io"

    /// Takes in an object of the group, or forgets it.
    /// - Parameter object: nil when it was deleted.
    mutating func set(_ key: ObjectKey, _ object: JSON?) {
        switch key.resource.resource {
        case "clusterroles": clusterRoles[key.name] = object.map { $0["rules"].items.map(PolicyRule.init) }
        case "roles": roles[key.path] = object.map { $0["rules"].items.map(PolicyRule.init) }
        case "clusterrolebindings", "rolebindings":
            tables[key.namespace, default: Table()].set(key.name, object.map { Binding($0, key) })
        default: break
        }
    }

    // MARK: Questions

    /// Why a request is allowed; nil when no rule allows it.
    /// - Parameter problems: gets a sentence for each binding of the user whose role does not exist.
    func grant(_ user: User, _ info: RequestInfo, problems: inout [String]) -> Grant? {
        if let found = grant(user, info, in: "", &problems) { return found }
        return info.namespace.isEmpty ? nil : grant(user, info, in: info.namespace, &problems)
    }

    private func grant(_ user: User, _ info: RequestInfo, in namespace: String, _ problems: inout [String]) -> Grant? {
        guard let table = tables[namespace] else { return nil }
        var found: Binding?
        table.forEachBinding(of: user) { binding in
            guard let rules = rules(of: binding) else {
                let problem = RBAC.missing(binding.bindsClusterRole ? "clusterrole" : "role", binding.role).message
                if !problems.contains(problem) { problems.append(problem) }
                return true
            }
            guard rules.contains(where: { $0.allows(info) }) else { return true }
            found = binding
            return false
        }
        return found.map { Grant(text: $0.text(for: user)) }
    }

    /// All rules that hold for a user: cluster-wide, and in the namespace when one is given.
    func rules(for user: User, namespace: String) -> [PolicyRule] {
        var found: [PolicyRule] = []
        for place in namespace.isEmpty ? [""] : ["", namespace] {
            var seen: Set<String> = []
            tables[place]?.forEachBinding(of: user) { binding in
                if seen.insert(binding.name).inserted { found += rules(of: binding) ?? [] }
                return true
            }
        }
        return found
    }

    /// The rules of a role that a binding names.
    /// - Throws: 404 when there is no such role.
    func rules(ofRole reference: JSON, namespace: String) throws(Status) -> [PolicyRule] {
        let name = reference["name"].string ?? ""
        let isCluster = reference["kind"].string == "ClusterRole"
        guard let rules = isCluster ? clusterRoles[name] : roles["\(namespace)/\(name)"] else {
            throw RBAC.missing(isCluster ? "clusterroles" : "roles", name)
        }
        return rules
    }

    private func rules(of binding: Binding) -> [PolicyRule]? {
        binding.bindsClusterRole ? clusterRoles[binding.role] : roles["\(binding.namespace)/\(binding.role)"]
    }

    private static func missing(_ resource: String, _ name: String) -> Status {
        .notFound(GroupResource(group: group, resource), name)
    }
}

extension RBAC.Table {
    fileprivate mutating func set(_ name: String, _ binding: RBAC.Binding?) {
        for named in bindings[name]?.subjects ?? [] {
            names[named.subject]?.removeAll { $0 == name }
            if names[named.subject]?.isEmpty == true { names[named.subject] = nil }
        }
        bindings[name] = binding
        for named in binding?.subjects ?? [] where names[named.subject]?.contains(name) != true {
            let list = names[named.subject] ?? []
            let place = list.firstIndex { $0 > name } ?? list.endIndex
            names[named.subject, default: []].insert(name, at: place)
        }
    }

    /// Calls `body` with the bindings of the user and of each of its groups until it answers false.
    fileprivate func forEachBinding(of user: User, _ body: (RBAC.Binding) -> Bool) {
        if !user.name.isEmpty, !each(.init(isGroup: false, name: user.name), body) { return }
        for group in user.groups where !each(.init(isGroup: true, name: group), body) { return }
    }

    private func each(_ subject: RBAC.Subject, _ body: (RBAC.Binding) -> Bool) -> Bool {
        for name in names[subject] ?? [] {
            if let binding = bindings[name], !body(binding) { return false }
        }
        return true
    }
}

extension RBAC.Binding {
    fileprivate init(_ json: JSON, _ key: ObjectKey) {
        let reference = json["roleRef"]
        self.init(
            name: key.name, namespace: key.namespace, isCluster: key.resource.resource == "clusterrolebindings",
            bindsClusterRole: reference["kind"].string != "Role", role: reference["name"].string ?? "",
            subjects: json["subjects"].items.compactMap { Self.named($0, key.namespace) })
    }

    private static func named(_ json: JSON, _ namespace: String) -> Named? {
        let name = json["name"].string ?? ""
        switch json["kind"].string {
        case "User": return Named(subject: .init(isGroup: false, name: name), text: "User \(JSON.string(name).text)")
        case "Group": return Named(subject: .init(isGroup: true, name: name), text: "Group \(JSON.string(name).text)")
        case "ServiceAccount":
            let given = json["namespace"].string ?? ""
            let place = given.isEmpty ? namespace : given
            guard !place.isEmpty else { return nil }
            return Named(
                subject: .init(isGroup: false, name: "system:serviceaccount:\(place):\(name)"),
                text: "ServiceAccount \(JSON.string("\(name)/\(place)").text)")
        default: return nil
        }
    }

    fileprivate func text(for user: User) -> String {
        let named = subjects.first { named in
            named.subject.isGroup ? user.groups.contains(named.subject.name) : named.subject.name == user.name
        }
        let place = isCluster ? "ClusterRoleBinding \"\(name)\"" : "RoleBinding \"\(name)/\(namespace)\""
        let kind = bindsClusterRole ? "ClusterRole" : "Role"
        return "RBAC: allowed by \(place) of \(kind) \"\(role)\" to \(named?.text ?? "")"
    }
}
