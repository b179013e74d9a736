import Shared

extension AdmissionPlugin {
    /// Gives every new pod a service account, and its containers the token of that account as files.
    ///
    /// - Parameter account: the stored account, nil when there is none.
    /// Source: plugin/pkg/admission/serviceaccount.
    static func serviceAccount(account: @escaping @Sendable (_ namespace: String, _ name: String) -> JSON?) -> Self {
        AdmissionPlugin(name: "ServiceAccount") { call throws(Status) in
            guard call.operation == .create, call.concerns("pods") else { return }
            var spec = PodSpec(call.object["spec"])
            // The pod of an agent's own manifest (a mirror pod) has no identity.
            if call.object["metadata"]["annotations"]["kubernetes.io/config.mirror"].string != nil { return }
            if spec.serviceAccountName.isEmpty { spec.serviceAccountName = "default" }
            spec.json["serviceAccount"] = .string(spec.serviceAccountName)
            guard let account = account(call.namespace, spec.serviceAccountName) else {
                let what = "error looking up service account \(call.namespace)/\(spec.serviceAccountName)"
                throw Status.forbidden(
                    call.resource.groupResource, call.name,
                    "\(what): serviceaccount \"\(spec.serviceAccountName)\" not found")
            }
            if spec.json["imagePullSecrets"].items.isEmpty, !account["imagePullSecrets"].items.isEmpty {
                spec.json["imagePullSecrets"] = account["imagePullSecrets"]
            }
            let wanted =
                spec.json["automountServiceAccountToken"].bool ?? account["automountServiceAccountToken"].bool ?? true
            if wanted { mountToken(in: &spec, suffix: call.object["metadata"]["uid"].string ?? "") }
            call.object["spec"] = spec.json
        }
    }

    private static let tokenFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    private static func mountToken(in spec: inout PodSpec, suffix: String) {
        let name = "kube-api-access-" + RandomNames.suffix(of: suffix)
        var isMounted = false
        for list in ["initContainers", "containers"] where !spec.json[list].items.isEmpty {
            spec.json[list] = .array(
                spec.json[list].items.map { container in
                    var container = container
                    let mounts = container["volumeMounts"].items
                    if mounts.contains(where: { $0["mountPath"].string == tokenFolder }) { return container }
                    isMounted = true
                    let mount: JSON = ["name": .string(name), "readOnly": true, "mountPath": .string(tokenFolder)]
                    container["volumeMounts"] = .array(mounts + [mount])
                    return container
                })
        }
        guard isMounted else { return }
        let token: JSON = ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]]
        let authority: JSON = [
            "configMap": ["name": .string(ConfigMap.rootCertificates), "items": [["key": "ca.crt", "path": "ca.crt"]]]
        ]
        let namespace: JSON = [
            "downwardAPI": [
                "items": [["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]]
            ]
        ]
        let volume: JSON = [
            "name": .string(name), "projected": ["sources": [token, authority, namespace], "defaultMode": 420],
        ]
        spec.json["volumes"] = .array(spec.json["volumes"].items + [volume])
    }

    /// Pods leave a node that is lost after `seconds`, unless they say otherwise.
    /// Source: plugin/pkg/admission/defaulttolerationseconds; Kubernetes's default is 300 s.
    static func defaultTolerationSeconds(_ seconds: Int) -> Self {
        AdmissionPlugin(name: "DefaultTolerationSeconds") { call throws(Status) in
            // A pod that is replaced by one without tolerations gets these anew.
            guard call.operation == .create || call.operation == .update, call.concerns("pods") else { return }
            var tolerations = PodSpec(call.object["spec"]).tolerations
            for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
                let isCovered = tolerations.contains { toleration in
                    (toleration.key == key || toleration.key.isEmpty)
                        && (toleration.effect == "NoExecute" || toleration.effect.isEmpty)
                }
                if isCovered { continue }
                tolerations.append(
                    Toleration([
                        "key": .string(key), "operator": "Exists", "effect": "NoExecute",
                        "tolerationSeconds": JSON(seconds),
                    ]))
            }
            call.object["spec"]["tolerations"] = .array(tolerations.map(\.json))
        }
    }

    /// Resolves `priorityClassName` to a number; without a class the cluster's default, else 0.
    ///
    /// - Parameters:
    ///   - named: the stored class; the two system classes exist always.
    ///   - fallback: the class with `globalDefault`, if there is one.
    /// Source: plugin/pkg/admission/priority.
    static func priority(
        named: @escaping @Sendable (String) -> JSON?, fallback: @escaping @Sendable () -> JSON?
    ) -> Self {
        AdmissionPlugin(name: "Priority") { call throws(Status) in
            if call.operation == .update, call.concerns("pods") {
                // What was settled at the start stays where a change does not speak of it.
                for key in ["priority", "preemptionPolicy"] where call.object["spec"][key].isNull {
                    call.object["spec"].set(key, call.old["spec"].object?[key])
                }
                return
            }
            guard call.operation == .create, call.concerns("pods") else { return }
            var spec = call.object["spec"]
            let given = spec["priorityClassName"].string ?? ""
            let found = given.isEmpty ? fallback() : named(given)
            if !given.isEmpty, found == nil {
                throw Status.forbidden(
                    call.resource.groupResource, call.name, "no PriorityClass with name \(given) was found")
            }
            let value = found?["value"].int ?? 0
            if let wanted = spec["priority"].int, wanted != value {
                throw Status.forbidden(
                    call.resource.groupResource, call.name,
                    "the integer value of priority (\(wanted)) must not be provided in pod spec; priority admission controller computed \(value) from the given PriorityClass name"
                )
            }
            if given.isEmpty, let name = found?["metadata"]["name"] { spec["priorityClassName"] = name }
            spec["priority"] = JSON(value)
            if spec["preemptionPolicy"].isNull {
                spec["preemptionPolicy"] = found?["preemptionPolicy"] ?? "PreemptLowerPriority"
            }
            if spec["preemptionPolicy"].isNull { spec["preemptionPolicy"] = "PreemptLowerPriority" }
            call.object["spec"] = spec
        }
    }

    /// A new node takes no pods until its agent has reported it ready.
    /// Source: plugin/pkg/admission/nodetaint.
    static let taintNodes = AdmissionPlugin(name: "TaintNodesByCondition") { call throws(Status) in
        guard call.operation == .create, call.concerns("nodes") else { return }
        let taint = Taint("node.kubernetes.io/not-ready", effect: "NoSchedule")
        var node = Node(call.object)
        if !node.taints.contains(where: { $0.key == taint.key && $0.effect == taint.effect }) {
            node.taints.append(taint)
            call.object = node.json
        }
    }
}
