import Shared

/// A named question about one pod on one node: may it run there?
struct Filter: Sendable {
    let name: String
    /// Changes of the cluster after which a refusal is worth another look.
    let wakes: ClusterChange
    /// Why not, in the words of Kubernetes; empty admits.
    let refusals: @Sendable (PodDemand, NodeSummary, Cycle) -> [String]
}

/// What happened in the cluster, as far as waiting pods care.
struct ClusterChange: OptionSet, Sendable {
    let rawValue: Int
    /// A node appeared or changed.
    static let node = ClusterChange(rawValue: 1 << 0)
    /// A pod left its node.
    static let podLeft = ClusterChange(rawValue: 1 << 1)
    /// A pod came to a node, or its labels changed.
    static let podCame = ClusterChange(rawValue: 1 << 2)
}

extension Filter {
    /// The order is Kubernetes's: the first that refuses gives the reason.
    static let standard: [Filter] = [
        Filter(name: "NodeUnschedulable", wakes: .node) { pod, node, _ in
            guard node.isUnschedulable else { return [] }
            let taint = Taint(NodeTaint.unschedulable, effect: "NoSchedule")
            return pod.tolerations.contains { $0.tolerates(taint) } ? [] : ["node(s) were unschedulable"]
        },
        Filter(name: "NodeName", wakes: .node) { pod, node, _ in
            pod.nodeName.isEmpty || pod.nodeName == node.name ? [] : ["node(s) didn't match the requested node name"]
        },
        Filter(name: "TaintToleration", wakes: .node) { pod, node, _ in
            guard !node.taints.isEmpty, let taint = pod.untolerated(of: node) else { return [] }
            return ["node(s) had untolerated taint {\(taint.key): \(taint.value)}"]
        },
        Filter(name: "NodeAffinity", wakes: .node) { pod, node, _ in
            pod.selects(node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]
        },
        Filter(name: "NodePorts", wakes: [.node, .podLeft]) { pod, node, _ in
            guard !pod.ports.isEmpty, !node.ports.isEmpty else { return [] }
            let isTaken = pod.ports.contains { wanted in node.ports.keys.contains { $0.conflicts(with: wanted) } }
            return isTaken ? ["node(s) didn't have free ports for the requested pod ports"] : []
        },
        Filter(name: "NodeResourcesFit", wakes: [.node, .podLeft]) { pod, node, _ in pod.shortages(on: node) },
        Filter(name: "PodTopologySpread", wakes: [.node, .podLeft, .podCame]) { _, node, cycle in
            for spread in cycle.required {
                guard let value = node.labels[spread.constraint.topologyKey] else {
                    return ["node(s) didn't match pod topology spread constraints (missing required label)"]
                }
                let count = (spread.counts[value] ?? 0) + spread.own
                if count - spread.least > spread.constraint.maxSkew {
                    return ["node(s) didn't match pod topology spread constraints"]
                }
            }
            return []
        },
        Filter(name: "InterPodAffinity", wakes: [.node, .podLeft, .podCame]) { pod, node, cycle in
            for (index, term) in pod.affinity.required.enumerated() {
                guard let place = node.place(term.topologyKey) else {
                    return ["node(s) didn't match pod affinity rules"]
                }
                if !cycle.near[index].contains(place), !cycle.isFirstOfItsKind {
                    return ["node(s) didn't match pod affinity rules"]
                }
            }
            for term in pod.affinity.requiredAnti {
                if let place = node.place(term.topologyKey), cycle.avoided.contains(place) {
                    return ["node(s) didn't match pod anti-affinity rules"]
                }
            }
            if !cycle.avoiding.isEmpty,
                cycle.avoiding.contains(where: { node.labels[$0.key] == $0.value })
            {
                return ["node(s) didn't satisfy existing pods anti-affinity rules"]
            }
            return []
        },
    ]
}

extension PodDemand {
    /// What the node lacks for the pod.
    fileprivate func shortages(on node: NodeSummary) -> [String] {
        var reasons: [String] = []
        if node.pods.count >= node.podsMax { reasons.append("Too many pods") }
        func check(_ name: String, _ wanted: Int, _ used: Int, _ total: Int) {
            if wanted > 0, wanted > total - min(used, total) { reasons.append("Insufficient \(name)") }
        }
        check("cpu", requests.cpu, node.used.cpu, node.allocatable.cpu)
        check("memory", requests.memory, node.used.memory, node.allocatable.memory)
        check("ephemeral-storage", requests.storage, node.used.storage, node.allocatable.storage)
        for (name, wanted) in requests.others {
            check(name, wanted, node.used.others[name] ?? 0, node.allocatable.others[name] ?? 0)
        }
        return reasons
    }
}
