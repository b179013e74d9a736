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
            let found = namespace(call.namespace)
            try check(found, call)
            call.checks.append(NamespaceCheck(call: call, seen: found))
        }
    }

    private static let immortal: Set<String> = ["default", "kube-system", "kube-public"]

    fileprivate static func check(_ found: JSON?, _ call: AdmissionCall) throws(Status) {
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

/// The namespace is still there and stays when the object is written: what came in between would outlive it.
private struct NamespaceCheck: AdmissionCheck {
    let call: AdmissionCall
    /// The namespace as admission saw it.
    let seen: JSON?

    func check(_ transaction: inout Transaction) throws(Status) {
        let stored = transaction.get(ObjectKey(Namespace.type.resource, name: call.namespace))
        if let stored, stored.revision.description == seen?["metadata"]["resourceVersion"].string { return }
        try AdmissionPlugin.check(try stored?.json(), call)
    }
}
