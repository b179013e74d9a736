import Shared

extension AdmissionPlugin {
    /// Nobody grants what he does not hold: roles need the rules in them or the verb `escalate`, bindings the rules of
    /// their role or the verb `bind`. Source: registry/rbac `policybased` storages, `escalation_check.go`.
    static func roleEscalation(_ authorize: Authorize) -> Self {
        AdmissionPlugin(name: "RoleEscalation") { call throws(Status) in
            guard call.resource.group == RBAC.group, call.subresource.isEmpty,
                [.create, .update].contains(call.operation), !call.user.groups.contains(User.mastersGroup),
                !onlyLetsGo(call)
            else { return }
            switch call.resource.plural {
            case "roles", "clusterroles": try checkRole(call, authorize)
            case "rolebindings", "clusterrolebindings": try checkBinding(call, authorize)
            default: return
            }
        }
    }

    private static func checkRole(_ call: AdmissionCall, _ authorize: Authorize) throws(Status) {
        if authorize.allows(call.user, question("escalate", call.resource.plural, call.name, call.namespace)) { return }
        try check(call.object["rules"].items.map(PolicyRule.init), call, authorize)
        let gathers = !call.object["aggregationRule"].isNull || !call.old["aggregationRule"].isNull
        guard call.resource.plural == "clusterroles", gathers else { return }
        let held = authorize.rules.rules(for: call.user, namespace: "")
        if !PolicyRule.missing(PolicyRule.fullAuthority, in: held).isEmpty {
            throw Status.forbidden(
                call.resource.groupResource, call.name, "must have cluster-admin privileges to use the aggregationRule")
        }
    }

    private static func checkBinding(_ call: AdmissionCall, _ authorize: Authorize) throws(Status) {
        let role = call.object["roleRef"]
        let plural = role["kind"].string == "ClusterRole" ? "clusterroles" : "roles"
        if authorize.allows(call.user, question("bind", plural, role["name"].string ?? "", call.namespace)) { return }
        try check(authorize.rules.rules(ofRole: role, namespace: call.namespace), call, authorize)
    }

    private static func check(_ rules: [PolicyRule], _ call: AdmissionCall, _ authorize: Authorize) throws(Status) {
        let held = authorize.rules.rules(for: call.user, namespace: call.namespace)
        let missing = PolicyRule.joined(PolicyRule.missing(rules, in: held))
        if missing.isEmpty { return }
        let lines = Set(missing.map(\.text)).sorted().joined(separator: "\n")
        throw Status.forbidden(
            call.resource.groupResource, call.name,
            "user \(JSON.string(call.user.name).text) (groups=\(PolicyRule.quoted(call.user.groups))) is attempting to grant RBAC permissions not currently held:\n\(lines)"
        )
    }

    private static func question(_ verb: String, _ resource: String, _ name: String, _ namespace: String) -> RequestInfo
    {
        var info = RequestInfo(method: "GET", segments: [], query: [:])
        info.isResource = true
        info.verb = verb
        (info.group, info.version, info.resource) = (RBAC.group, "v1", resource)
        (info.name, info.namespace) = (name, namespace)
        return info
    }

    /// The garbage collector takes finalizers and owners away, which grants nothing.
    private static func onlyLetsGo(_ call: AdmissionCall) -> Bool {
        guard call.operation == .update else { return false }
        var (old, new) = (call.old, call.object)
        guard old != new else { return false }
        for key in ["finalizers", "ownerReferences", "managedFields"] {
            old["metadata"].remove(key)
            new["metadata"].remove(key)
        }
        return old == new
    }
}
