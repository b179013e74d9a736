import Shared

extension AdmissionPlugin {
    /// An agent writes only what is its node's own: its Node, its Lease, and pods that are bound to it.
    /// What the request's path tells is checked by `Authorize`; this looks at the object.
    /// Source: plugin/pkg/admission/noderestriction.
    static let nodeRestriction = AdmissionPlugin(name: "NodeRestriction") { call throws(Status) in
        guard let node = call.user.nodeName else { return }
        let name = call.operation == .delete ? call.name : Object(call.object).name
        switch call.resource.groupResource.description {
        case "nodes":
            guard name == node else {
                throw Status.forbidden(
                    call.resource.groupResource, name, "node \"\(node)\" is not allowed to modify node \"\(name)\"")
            }
            guard call.operation == .update, call.subresource.isEmpty else { return }
            if Node(call.object).taints != Node(call.old).taints {
                throw Status.forbidden(
                    call.resource.groupResource, name, "node \"\(node)\" is not allowed to modify taints")
            }
        case "leases.coordination.k8s.io":
            guard name == node else {
                throw Status.forbidden(
                    call.resource.groupResource, name,
                    "can only access node lease with the same name as the requesting node")
            }
        case "pods":
            guard call.operation == .delete else { return }
            let bound = Pod(call.old).spec.nodeName
            guard bound == node else {
                throw Status.forbidden(
                    call.resource.groupResource, name,
                    "node \"\(node)\" can only delete pods with spec.nodeName set to itself")
            }
        default: return
        }
    }
}
