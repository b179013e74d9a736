import Shared

/// May this user do this? Three authorizers in order, the first that allows decides: the privileged group, the node
/// authorizer, RBAC. A stage of the chain: `Serve → Auth → Admission → Registry`.
struct Authorize: Sendable {
    /// The rules in force, read anew for every request.
    let rules: @Sendable () -> RBAC
    /// The node that a pod is bound to; nil when there is no such pod.
    let nodeOfPod: @Sendable (_ namespace: String, _ name: String) -> String?

    /// - Throws: 403 with Kubernetes's text.
    func callAsFunction(_ user: User, _ info: RequestInfo) throws(Status) {
        if !allows(user, info) { throw Authorize.refusal(user, info) }
    }

    func allows(_ user: User, _ info: RequestInfo) -> Bool {
        if user.groups.contains("system:masters") || Authorize.isPublic(info) { return true }
        if let node = user.nodeName, allows(node: node, info) { return true }
        return rules().allows(user, info)
    }

    /// Health and version are for everyone.
    private static func isPublic(_ info: RequestInfo) -> Bool {
        !info.isResource && info.verb == "get"
            && (["/healthz", "/livez", "/readyz", "/version"].contains(info.path)
                || info.path.hasPrefix("/livez/") || info.path.hasPrefix("/readyz/")
                || info.path.hasPrefix("/healthz/"))
    }

    /// What an agent may do: read what pods need, write only what is its node's own.
    /// Source: the node authorizer and the NodeRestriction admission, in one place.
    private func allows(node: String, _ info: RequestInfo) -> Bool {
        guard info.isResource else { return info.verb == "get" }
        let reads = ["get", "list", "watch"].contains(info.verb)
        switch (info.group, info.resource) {
        case ("", "nodes"):
            return reads || info.verb == "create" || (info.name == node && ["update", "patch"].contains(info.verb))
        case ("", "pods"):
            if reads { return true }
            guard let owner = nodeOfPod(info.namespace, info.name) else { return info.verb == "delete" }
            return owner == node
                && (info.verb == "delete" || (info.subresource == "status" && ["update", "patch"].contains(info.verb)))
        case ("coordination.k8s.io", "leases"):
            return info.namespace == "kube-node-lease" && (info.verb == "create" || info.name == node)
        case ("", "events"), ("events.k8s.io", "events"):
            return ["create", "update", "patch"].contains(info.verb)
        case ("", "serviceaccounts"):
            return reads || (info.verb == "create" && info.subresource == "token")
        case ("certificates.k8s.io", "certificatesigningrequests"):
            return info.verb == "create" || reads
        case ("authentication.k8s.io", "tokenreviews"), ("authorization.k8s.io", "subjectaccessreviews"):
            return info.verb == "create"
        case ("", "secrets"), ("", "configmaps"), ("", "services"), ("", "endpoints"), ("", "namespaces"),
            ("", "persistentvolumes"), ("", "persistentvolumeclaims"), ("discovery.k8s.io", "endpointslices"),
            ("node.k8s.io", "runtimeclasses"), ("storage.k8s.io", _), ("networking.k8s.io", "ingresses"),
            ("networking.k8s.io", "ingressclasses"):
            return reads
        default: return false
        }
    }

    /// The 403 answer. Source: apiserver `responsewriters.Forbidden`.
    static func refusal(_ user: User, _ info: RequestInfo) -> Status {
        guard info.isResource else {
            return Status(.forbidden, "forbidden: User \"\(user.name)\" cannot \(info.verb) path \"\(info.path)\"")
        }
        let resource = info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)"
        var why = "User \"\(user.name)\" cannot \(info.verb) resource \"\(resource)\" in API group \"\(info.group)\""
        why += info.namespace.isEmpty ? " at the cluster scope" : " in the namespace \"\(info.namespace)\""
        return .forbidden(info.groupResource, info.name, why)
    }
}
