import Shared

/// May this user do this? Three authorizers in order, the first that allows decides: the privileged group, the node
/// authorizer, RBAC. A stage of the chain: `Serve → Auth → Admission → Registry`.
struct Authorize: Sendable {
    let rules: StoredRules
    /// Nil where agents are users like all others.
    let nodes: NodeAuthorizer?

    struct Decision: Sendable {
        let isAllowed: Bool
        /// What allowed it, or what may be the matter; empty when there is nothing to say.
        let reason: String
    }

    /// - Throws: 403 with Kubernetes's text.
    func callAsFunction(_ user: User, _ info: RequestInfo) throws(Status) {
        let decision = decide(user, info)
        if !decision.isAllowed { throw Authorize.refusal(user, info, decision.reason) }
    }

    func allows(_ user: User, _ info: RequestInfo) -> Bool { decide(user, info).isAllowed }

    func decide(_ user: User, _ info: RequestInfo) -> Decision {
        if user.groups.contains(User.mastersGroup) { return Decision(isAllowed: true, reason: "") }
        var remarks: [String] = []
        if let node = user.nodeName, let nodes {
            switch nodes.decide(node, info) {
            case .allowed: return Decision(isAllowed: true, reason: "")
            case .noOpinion(let remark): if !remark.isEmpty { remarks.append(remark) }
            }
        }
        let (grant, problems) = rules.grant(user, info)
        if let grant { return Decision(isAllowed: true, reason: grant.text) }
        if problems.count == 1 { remarks.append("RBAC: \(problems[0])") }
        if problems.count > 1 { remarks.append("RBAC: [\(problems.joined(separator: ", "))]") }
        return Decision(isAllowed: false, reason: remarks.joined(separator: "\n"))
    }

    /// The 403 answer. Source: apiserver `responsewriters.Forbidden`.
    static func refusal(_ user: User, _ info: RequestInfo, _ reason: String = "") -> Status {
        let tail = reason.isEmpty ? "" : ": \(reason)"
        guard info.isResource else {
            var status = Status(
                .forbidden, "forbidden: User \"\(user.name)\" cannot \(info.verb) path \"\(info.path)\"\(tail)")
            status.showsDetails = true
            return status
        }
        let resource = info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
        var why = "User \"\(user.name)\" cannot \(info.verb) resource \"\(resource)\" in API group \"\(info.group)\""
        why += info.namespace.isEmpty ? " at the cluster scope" : " in the namespace \"\(info.namespace)\""
        return .forbidden(info.groupResource, info.name, why + tail)
    }
}
