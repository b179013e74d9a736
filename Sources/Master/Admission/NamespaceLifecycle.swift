import Shared

extension AdmissionPlugin {
    /// Nothing is created in a namespace that does not exist or is going away, and the system's namespaces stay.
    ///
    /// - Parameter namespace: the stored namespace, nil when there is none.
    /// Source: plugin/pkg/admission/namespace/lifecycle.
    static func namespaceLifecycle(namespace: @escaping @Sendable (String) -> JSON?) -> Self {
        AdmissionPlugin(name: "NamespaceLifecycle") { call throws(Status) in
            if call.operation == .delete, call.concerns("namespaces"), immortal.contains(call.name) {
                throw Status.forbidden(call.resource.groupResource, call.name, "this namespace may not be deleted")
            }
            guard call.operation == .create, call.resource.isNamespaced, !call.namespace.isEmpty else { return }
            try check(namespace(call.namespace), call)
        }
    }

    private static let immortal: Set<String> = ["default", "kube-system", "kube-public"]

    private static func check(_ found: JSON?, _ call: AdmissionCall) throws(Status) {
        guard let found else { throw Status.notFound(GroupResource("namespaces"), call.namespace) }
        guard Namespace(found).isTerminating else { return }
        var status = Status.forbidden(
            call.resource.groupResource, call.name,
            "unable to create new content in namespace \(call.namespace) because it is being terminated")
        status.causes = [
            Status.Cause(
                reason: "NamespaceTerminating", message: "namespace \(call.namespace) is being terminated",
                field: "metadata.namespace")
        ]
        throw status
    }
}
