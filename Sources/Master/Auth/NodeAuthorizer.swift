import Shared

/// What an agent may do: read what the pods of its own node need, and write what is its node's own. What the path does
/// not tell, `AdmissionPlugin.nodeRestriction` checks on the object.
/// Source: plugin/pkg/auth/authorizer/node.
struct NodeAuthorizer: Sendable {
    let graph: NodeGraph

    enum Opinion: Equatable, Sendable {
        case allowed
        /// Others may still allow it; the remark stands in the refusal.
        case noOpinion(String)
    }

    func decide(_ node: String, _ info: RequestInfo) -> Opinion {
        guard info.isResource else { return .noOpinion("") }
        switch (info.group, info.resource) {
        case ("", "secrets"), ("", "configmaps"): return read(node, info)
        case ("", "persistentvolumeclaims"):
            return info.subresource == "status" ? updateStatus(node, info) : get(node, info)
        case ("", "persistentvolumes"):
            // The agent also removes the folders of volumes that are given up; which are its node's, admission decides.
            let isOwnWork = ["list", "watch", "update", "delete"].contains(info.verb) && info.subresource.isEmpty
            return isOwnWork ? .allowed : get(node, info)
        case ("storage.k8s.io", "volumeattachments"): return get(node, info)
        case ("", "serviceaccounts"): return createToken(node, info)
        case ("coordination.k8s.io", "leases"): return lease(node, info)
        case ("storage.k8s.io", "csinodes"): return csiNode(node, info)
        default:
            return NodeAuthorizer.rules.contains { $0.allows(info) } ? .allowed : .noOpinion("")
        }
    }

    private func read(_ node: String, _ info: RequestInfo) -> Opinion {
        guard ["get", "list", "watch"].contains(info.verb) else {
            return .noOpinion("can only read resources of this type")
        }
        if !info.subresource.isEmpty { return .noOpinion("cannot read subresource") }
        if info.namespace.isEmpty { return .noOpinion("can only read namespaced object of this type") }
        return related(node, info)
    }

    private func get(_ node: String, _ info: RequestInfo) -> Opinion {
        guard info.verb == "get" else { return .noOpinion("can only get individual resources of this type") }
        return info.subresource.isEmpty ? related(node, info) : .noOpinion("cannot get subresource")
    }

    private func updateStatus(_ node: String, _ info: RequestInfo) -> Opinion {
        guard ["get", "update", "patch"].contains(info.verb) else {
            return .noOpinion("can only get/update/patch this type")
        }
        return related(node, info)
    }

    private func createToken(_ node: String, _ info: RequestInfo) -> Opinion {
        guard info.verb == "create", info.subresource == "token" else {
            return .noOpinion("can only create tokens for individual service accounts")
        }
        return related(node, info)
    }

    private func related(_ node: String, _ info: RequestInfo) -> Opinion {
        if info.name.isEmpty { return .noOpinion("No Object name found") }
        let key = ObjectKey(info.groupResource, namespace: info.namespace, name: info.name)
        return graph.leads(from: node, to: key)
            ? .allowed : .noOpinion("no relationship found between node '\(node)' and this object")
    }

    private func lease(_ node: String, _ info: RequestInfo) -> Opinion {
        guard Self.ownVerbs.contains(info.verb) else {
            return .noOpinion("can only get, create, update, patch, or delete a node lease")
        }
        guard info.namespace == Lease.nodeNamespace else {
            return .noOpinion("can only access leases in the \"\(Lease.nodeNamespace)\" system namespace")
        }
        return info.verb == "create" || info.name == node
            ? .allowed : .noOpinion("can only access node lease with the same name as the requesting node")
    }

    private func csiNode(_ node: String, _ info: RequestInfo) -> Opinion {
        guard Self.ownVerbs.contains(info.verb) else {
            return .noOpinion("can only get, create, update, patch, or delete a CSINode")
        }
        if !info.subresource.isEmpty { return .noOpinion("cannot authorize CSINode subresources") }
        return info.verb == "create" || info.name == node
            ? .allowed : .noOpinion("can only access CSINode with the same name as the requesting node")
    }

    private static let ownVerbs: Set<String> = ["get", "create", "update", "patch", "delete"]

    /// What every agent may do. The last lines are what this agent does beyond a kubelet: it programs service
    /// addresses, answers names and serves ingresses itself. Source: bootstrappolicy `NodeRules`, `system:node-proxier`.
    private static let rules: [PolicyRule] = {
        let read = ["get", "list", "watch"]
        let write = ["create", "update", "patch"]
        return [
            PolicyRule(verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"]),
            PolicyRule(
                verbs: ["create"], apiGroups: ["authorization.k8s.io"],
                resources: ["subjectaccessreviews", "localsubjectaccessreviews"]),
            PolicyRule(verbs: read + write, apiGroups: [""], resources: ["nodes"]),
            PolicyRule(verbs: ["update", "patch"], apiGroups: [""], resources: ["nodes/status", "pods/status"]),
            PolicyRule(verbs: write, apiGroups: ["", "events.k8s.io"], resources: ["events"]),
            PolicyRule(verbs: read + ["create", "delete"], apiGroups: [""], resources: ["pods"]),
            PolicyRule(verbs: ["create"], apiGroups: [""], resources: ["pods/eviction"]),
            PolicyRule(
                verbs: read + ["create"], apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"]),
            PolicyRule(verbs: read, apiGroups: ["storage.k8s.io"], resources: ["csidrivers"]),
            PolicyRule(verbs: read, apiGroups: ["node.k8s.io"], resources: ["runtimeclasses"]),
            PolicyRule(verbs: read, apiGroups: [""], resources: ["services", "endpoints", "namespaces"]),
            PolicyRule(verbs: read, apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"]),
            PolicyRule(
                verbs: read, apiGroups: ["networking.k8s.io"], resources: ["ingresses", "ingressclasses"]),
        ]
    }()
}
