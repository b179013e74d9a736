import Shared

/// What a node is to a DaemonSet.
struct DaemonFit: Equatable, Sendable {
    /// A pod belongs there.
    var shouldRun: Bool
    /// A pod that is there may stay.
    var mayStay: Bool

    static let none = DaemonFit(shouldRun: false, mayStay: false)
}

/// The pods of a DaemonSet as far as nodes are concerned. Source: `NodeShouldRunDaemonPod`,
/// `AddOrUpdateDaemonPodTolerations` of the daemon set controller.
struct DaemonDemand: Sendable {
    private let nodeName: String
    private let nodeSelector: [String: String]
    private let affinity: NodeAffinity
    let tolerations: [Toleration]

    init(_ template: PodTemplate) {
        let spec = template.spec
        nodeName = spec.nodeName
        nodeSelector = spec.nodeSelector
        affinity = NodeAffinity(spec.json.at("affinity", "nodeAffinity"))
        tolerations = DaemonDemand.tolerations(of: spec)
    }

    func fit(_ node: Node) -> DaemonFit {
        if !nodeName.isEmpty, nodeName != node.name { return .none }
        let labels = node.metadata.labels
        guard nodeSelector.allSatisfy({ labels[$0.key] == $0.value }) else { return .none }
        if let required = affinity.required {
            let shape = NodeShape(node)
            if !required.contains(where: { $0.matches(shape) }) { return .none }
        }
        let untolerated = node.taints.filter { taint in !tolerations.contains { $0.tolerates(taint) } }
        if untolerated.contains(where: { $0.effect == "NoExecute" }) { return .none }
        return DaemonFit(shouldRun: !untolerated.contains { $0.effect == "NoSchedule" }, mayStay: true)
    }

    /// What the template tolerates and what every pod of a DaemonSet does: it stays on a node that is in trouble.
    static func tolerations(of spec: PodSpec) -> [Toleration] {
        var added = [("not-ready", "NoExecute"), ("unreachable", "NoExecute")]
        added += ["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map { ($0, "NoSchedule") }
        if spec.hostNetwork { added.append(("network-unavailable", "NoSchedule")) }
        var all = spec.tolerations
        for (key, effect) in added {
            let own = Toleration([
                "key": .string("node.kubernetes.io/\(key)"), "operator": "Exists", "effect": .string(effect),
            ])
            if let index = all.firstIndex(where: { $0.key == own.key && $0.effect == effect && $0.exists }) {
                all[index] = own
            } else {
                all.append(own)
            }
        }
        return all
    }
}

extension DaemonSet {
    /// A new pod for one node: only that node fits it.
    /// - Parameter hash: of the revision that the template is recorded under.
    func pod(on node: String, hash: String) -> Pod {
        var pod = Pod(from: template, for: self)
        var labels = pod.metadata.labels
        labels["pod-template-generation"] = templateGeneration
        labels[Revisions.podLabel] = hash
        pod.metadata.labels = labels
        var spec = pod.spec
        spec.tolerations = DaemonDemand.tolerations(of: spec)
        let here: JSON = [
            "matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]
        ]
        spec.json["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = [
            "nodeSelectorTerms": [here]
        ]
        pod.spec = spec
        return pod
    }

    /// Whether the pod has the present template.
    func isUpdated(_ pod: Pod, hash: String) -> Bool {
        let labels = pod.metadata.labels
        if !hash.isEmpty, labels[Revisions.podLabel] == hash { return true }
        guard let generation = templateGeneration else { return false }
        return labels["pod-template-generation"] == generation
    }
}

extension Pod {
    /// The node of a daemon set's pod: where it is, or where alone it may go. Nil when it does not say.
    var daemonNode: String? {
        if !spec.nodeName.isEmpty { return spec.nodeName }
        let required = spec.json.at("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
        let terms = required["nodeSelectorTerms"].items
        for term in terms {
            for field in term["matchFields"].items
            where field["key"] == "metadata.name" && field["operator"] == "In" && field["values"].items.count == 1 {
                return field["values"][0].string
            }
        }
        return nil
    }
}
