import Shared

/// Role-based access: the roles and bindings of one moment, and the question whether they allow a request.
/// Source: rbac.authorization.k8s.io/v1, `plugin/pkg/auth/authorizer/rbac`.
struct RBAC: Sendable {
    /// Objects as stored. Namespaced ones carry their namespace.
    var clusterRoles: [String: JSON] = [:]
    /// By `namespace/name`.
    var roles: [String: JSON] = [:]
    var clusterRoleBindings: [JSON] = []
    /// By namespace.
    var roleBindings: [String: [JSON]] = [:]

    func allows(_ user: User, _ info: RequestInfo) -> Bool {
        rules(for: user, namespace: info.namespace).contains { matches($0, info) }
    }

    /// All rules that are bound to a user: cluster-wide, and in the namespace when one is given.
    func rules(for user: User, namespace: String) -> [JSON] {
        var found: [JSON] = []
        for binding in clusterRoleBindings where binds(binding, user) { found += rules(of: binding, namespace: "") }
        guard !namespace.isEmpty else { return found }
        for binding in roleBindings[namespace] ?? [] where binds(binding, user) {
            found += rules(of: binding, namespace: namespace)
        }
        return found
    }

    /// The rules of the role that a binding names; none when the role is missing.
    private func rules(of binding: JSON, namespace: String) -> [JSON] {
        let reference = binding["roleRef"]
        let name = reference["name"].string ?? ""
        let role = reference["kind"].string == "Role" ? roles["\(namespace)/\(name)"] : clusterRoles[name]
        return role?["rules"].items ?? []
    }

    private func binds(_ binding: JSON, _ user: User) -> Bool {
        let namespace = binding.at("metadata", "namespace").string ?? ""
        return binding["subjects"].items.contains { subject in
            let name = subject["name"].string ?? ""
            switch subject["kind"].string {
            case "User": return name == user.name
            case "Group": return user.groups.contains(name)
            case "ServiceAccount":
                return user.name == "system:serviceaccount:\(subject["namespace"].string ?? namespace):\(name)"
            default: return false
            }
        }
    }

    private func matches(_ rule: JSON, _ info: RequestInfo) -> Bool {
        guard has(rule["verbs"], info.verb) else { return false }
        guard info.isResource else {
            return rule["nonResourceURLs"].items.contains { item in
                guard let pattern = item.string else { return false }
                return pattern == info.path || (pattern.hasSuffix("*") && info.path.hasPrefix(pattern.dropLast()))
            }
        }
        let wanted = info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
        let named = rule["resources"].items.contains { item in
            guard let resource = item.string else { return false }
            return resource == "*" || resource == wanted
                || (!info.subresource.isEmpty && resource == "*/\(info.subresource)")
        }
        guard named, has(rule["apiGroups"], info.group) else { return false }
        let names = rule["resourceNames"].items
        return names.isEmpty || names.contains { $0.string == info.name }
    }

    private func has(_ list: JSON, _ value: String) -> Bool {
        list.items.contains { $0.string == "*" || $0.string == value }
    }
}
