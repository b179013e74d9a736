import Shared

extension AdmissionPlugin {
    /// An agent writes only what is its node's own: its Node, its Lease, and pods that are bound to it.
    /// What the request's path tells is checked by `NodeAuthorizer`; this looks at the object.
    ///
    /// - Parameter pod: the stored pod, nil when there is none.
    /// Source: plugin/pkg/admission/noderestriction.
    static func nodeRestriction(pod: @escaping @Sendable (_ namespace: String, _ name: String) -> JSON?) -> Self {
        AdmissionPlugin(name: "NodeRestriction") { call throws(Status) in
            guard let node = call.user.nodeName else { return }
            switch call.resource.groupResource.description {
            case "pods": try checkPod(call, node, pod)
            case "nodes": try checkNode(call, node)
            case "persistentvolumeclaims": try checkClaim(call, node)
            case "serviceaccounts": try checkToken(call, node, pod)
            case "leases.coordination.k8s.io": try checkLease(call, node)
            case "csinodes.storage.k8s.io":
                if Object(call.object.isNull ? call.old : call.object).name != node {
                    throw refusal(call, "can only access CSINode with the same name as the requesting node")
                }
            case "certificatesigningrequests.certificates.k8s.io": try checkRequest(call, node)
            default: return
            }
        }
    }

    private static func refusal(_ call: AdmissionCall, _ why: String) -> Status {
        .forbidden(call.resource.groupResource, call.name, why)
    }

    // MARK: Pods

    private static func checkPod(
        _ call: AdmissionCall, _ node: String, _ pod: (_ namespace: String, _ name: String) -> JSON?
    ) throws(Status) {
        switch (call.operation, call.subresource) {
        case (.create, ""): try checkNewPod(call, node)
        case (.delete, ""):
            guard Pod(call.old).spec.nodeName == node else {
                throw refusal(call, "node \"\(node)\" can only delete pods with spec.nodeName set to itself")
            }
        case (.update, "status"):
            guard Pod(call.old).spec.nodeName == node else {
                throw refusal(
                    call, "node \"\(node)\" can only update pod status for pods with spec.nodeName set to itself")
            }
            guard call.old["metadata"]["labels"].strings == call.object["metadata"]["labels"].strings else {
                throw refusal(call, "node \"\(node)\" cannot update labels through pod status")
            }
        case (.create, "eviction"):
            let evicted = pod(call.namespace, call.name)
            guard let evicted else { throw Status.notFound(call.resource.groupResource, call.name) }
            guard Pod(evicted).spec.nodeName == node else {
                throw refusal(call, "node \"\(node)\" can only evict pods with spec.nodeName set to itself")
            }
        default: throw refusal(call, "unexpected pod operation \"\(call.operation.rawValue)\"")
        }
    }

    /// An agent makes only mirror pods, which show what it runs by itself.
    private static func checkNewPod(_ call: AdmissionCall, _ node: String) throws(Status) {
        let pod = Pod(call.object)
        guard pod.metadata.annotations["kubernetes.io/config.mirror"] != nil else {
            throw refusal(
                call,
                "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"\(node)\" can only create mirror pods"
            )
        }
        guard pod.spec.nodeName == node else {
            throw refusal(call, "node \"\(node)\" can only create pods with spec.nodeName set to itself")
        }
        guard pod.metadata.ownerReferences.count <= 1 else {
            throw refusal(call, "node \"\(node)\" can only create pods with a single owner reference set to itself")
        }
        if let owner = pod.metadata.ownerReferences.first, owner.kind != "Node" || owner.name != node {
            throw refusal(call, "node \"\(node)\" can only create pods with an owner reference set to itself")
        }
        let names = [
            (NodeGraph.accounts, "a service account"), (NodeGraph.secrets, "secrets"),
            (NodeGraph.configMaps, "configmaps"), (NodeGraph.claims, "persistentvolumeclaims"),
        ]
        let uses = NodeGraph.uses(ofPod: pod.name, pod.namespace, call.object["spec"])
        for (resource, words) in names where uses.contains(where: { $0.resource == resource }) {
            throw refusal(call, "node \"\(node)\" can not create pods that reference \(words)")
        }
    }

    // MARK: The node

    private static func checkNode(_ call: AdmissionCall, _ node: String) throws(Status) {
        guard call.name == node || (call.operation == .create && Object(call.object).name == node) else {
            throw refusal(call, "node \"\(node)\" is not allowed to modify node \"\(call.name)\"")
        }
        guard call.operation != .delete, call.subresource.isEmpty || call.subresource == "status" else { return }
        let (old, new) = (Object(call.old).metadata, Object(call.object).metadata)
        let before = call.old.isNull ? [:] : old.labels
        if call.operation == .create {
            let bad = new.labels.keys.filter(isForbiddenLabel).sorted()
            if !bad.isEmpty {
                throw refusal(
                    call, "node \"\(node)\" is not allowed to set the following labels: \(bad.joined(separator: ", "))")
            }
            return
        }
        if Node(call.object).taints != Node(call.old).taints {
            throw refusal(call, "node \"\(node)\" is not allowed to modify taints")
        }
        if new.json["ownerReferences"].items != old.json["ownerReferences"].items {
            throw refusal(call, "node \"\(node)\" is not allowed to modify ownerReferences")
        }
        let changed = Set(before.keys).union(new.labels.keys).filter { before[$0] != new.labels[$0] }
        let bad = changed.filter(isForbiddenLabel).sorted()
        if !bad.isEmpty {
            throw refusal(call, "is not allowed to modify labels: \(bad.joined(separator: ", "))")
        }
    }

    /// Labels that schedulers trust: an agent may say what kind of machine it is, not what it may be used for.
    private static func isForbiddenLabel(_ key: String) -> Bool {
        guard let slash = key.firstIndex(of: "/") else { return false }
        let domain = key[..<slash]
        if domain == "node-restriction.kubernetes.io" || domain.hasSuffix(".node-restriction.kubernetes.io") {
            return true
        }
        let isKubernetes = ["kubernetes.io", "k8s.io"].contains { domain == $0 || domain.hasSuffix("." + $0) }
        guard isKubernetes else { return false }
        if domain == "kubelet.kubernetes.io" || domain.hasSuffix(".kubelet.kubernetes.io")
            || domain == "node.kubernetes.io" || domain.hasSuffix(".node.kubernetes.io")
        {
            return false
        }
        return !ownLabels.contains(key)
    }

    /// Source: pkg/kubelet/apis/well_known_labels.go.
    private static let ownLabels: Set<String> = [
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "failure-domain.kubernetes.io/zone", "failure-domain.kubernetes.io/region", "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region", "node.kubernetes.io/windows-build",
    ]

    // MARK: Other objects

    private static func checkClaim(_ call: AdmissionCall, _ node: String) throws(Status) {
        guard call.operation == .update, call.subresource == "status" else {
            throw refusal(call, "unexpected operation \"\(call.operation.rawValue)\", node \"\(node)\" can only update")
        }
        var (old, new) = (call.old, call.object)
        for key in ["status", "metadata"] {
            old.remove(key)
            new.remove(key)
        }
        guard old == new else {
            throw refusal(call, "node \"\(node)\" is not allowed to update fields other than status")
        }
    }

    /// A token goes to an agent only when it ends with a pod that runs there.
    private static func checkToken(
        _ call: AdmissionCall, _ node: String, _ pod: (_ namespace: String, _ name: String) -> JSON?
    ) throws(Status) {
        guard call.operation == .create, call.subresource == "token" else { return }
        let bound = call.object["spec"]["boundObjectRef"]
        guard bound["kind"].string == "Pod", bound["apiVersion"].string == "v1", let name = bound["name"].string,
            !name.isEmpty
        else { throw refusal(call, "node requested token not bound to a pod") }
        guard let uid = bound["uid"].string, !uid.isEmpty else {
            throw refusal(call, "node requested token with a pod binding without a uid")
        }
        guard let found = pod(call.namespace, name) else {
            throw Status.notFound(Pod.type.resource, name)
        }
        guard Object(found).metadata.uid == uid else {
            throw refusal(
                call,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated"
            )
        }
        guard Pod(found).spec.nodeName == node else {
            throw refusal(call, "node requested token bound to a pod scheduled on a different node")
        }
        let account = Pod(found).spec.serviceAccountName
        guard account == call.name else {
            throw refusal(call, "node requested token of a service account that the pod does not use")
        }
    }

    private static func checkLease(_ call: AdmissionCall, _ node: String) throws(Status) {
        guard call.namespace == Lease.nodeNamespace else {
            throw refusal(
                call, "can only access leases in the \"\(Lease.nodeNamespace)\" system namespace")
        }
        let name = call.operation == .create ? Object(call.object).name : call.name
        guard name == node else {
            throw refusal(call, "can only access node lease with the same name as the requesting node")
        }
    }

    /// An agent asks for certificates of its own name only.
    private static func checkRequest(_ call: AdmissionCall, _ node: String) throws(Status) {
        guard call.operation == .create else { return }
        let request = CertificateSigningRequest(call.object)
        let isAgents = [CertificateSigningRequest.agentClient, CertificateSigningRequest.agentServing].contains(
            request.signer)
        guard isAgents, let wanted = try? CertificateRequest(pem: request.requestPEM) else { return }
        let own = "system:node:\(node)"
        guard wanted.subject.commonName == own else {
            throw refusal(
                call,
                "can only create a node CSR with CN=\(own)")
        }
    }
}
