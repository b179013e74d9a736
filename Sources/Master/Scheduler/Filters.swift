import Shared

/// A named question about one pod on one node: may it run there?
struct Filter: Sendable {
    /// Why a pod may not run on a node.
    struct Refusal: Sendable {
        /// In the words of Kubernetes.
        let reasons: [String]
        /// Whether it stays so even if pods leave the node: preemption cannot help.
        let isFinal: Bool

        init(_ reason: String, isFinal: Bool = false) { self.init([reason], isFinal: isFinal) }
        init(_ reasons: [String], isFinal: Bool) {
            self.reasons = reasons
            self.isFinal = isFinal
        }
    }
    /// The name of the plugin in Kubernetes; configuration files refer to it.
    let name: String
    /// Kinds of changes after which a refusal is worth another look.
    let wakes: ClusterChange
    /// Whether the question can be answered with no for this pod at all; asked once per pod.
    var matters: @Sendable (PodDemand, Cycle) -> Bool = { _, _ in true }
    /// Nil admits.
    let refusal: @Sendable (PodDemand, NodeSummary, Cycle) -> Refusal?
    /// Whether an event of a kind in `wakes` may turn the answer for a pod that was refused.
    let helps: @Sendable (PodDemand, ClusterEvent) -> Bool
}

extension Filter {
    /// The order is Kubernetes's: the first that refuses gives the reason.
    static let standard: [Filter] = [
        unschedulable, nodeName, taints, nodeAffinity, ports, resources, volumeRestrictions, volumeBinding, volumeZone,
        spread, podAffinity,
    ]

    /// Whether the node of the event, if it is one, passes now.
    private static func node(_ event: ClusterEvent, _ passes: (NodeSummary) -> Bool) -> Bool {
        if case .node(let node, _) = event { passes(node) } else { false }
    }

    private static func isCordoned(_ pod: PodDemand, _ node: NodeShape) -> Bool {
        node.isUnschedulable && !pod.tolerates(TaintMark(NodeTaint.unschedulable, effect: "NoSchedule"))
    }
    static let unschedulable = Filter(
        name: "NodeUnschedulable", wakes: .node,
        refusal: { pod, node, _ in
            isCordoned(pod, node.shape) ? Refusal("node(s) were unschedulable", isFinal: true) : nil
        }, helps: { pod, event in node(event) { !isCordoned(pod, $0.shape) } })

    static let nodeName = Filter(
        name: "NodeName", wakes: .node, matters: { pod, _ in !pod.nodeName.isEmpty },
        refusal: { pod, node, _ in
            pod.nodeName == node.name
                ? nil : Refusal("node(s) didn't match the requested node name", isFinal: true)
        }, helps: { pod, event in node(event) { $0.name == pod.nodeName } })

    static let taints = Filter(
        name: "TaintToleration", wakes: .node,
        refusal: { pod, node, _ in
            guard !node.shape.taints.isEmpty, let taint = pod.untolerated(of: node.shape) else { return nil }
            return Refusal("node(s) had untolerated taint {\(taint.key): \(taint.value)}", isFinal: true)
        }, helps: { pod, event in node(event) { pod.untolerated(of: $0.shape) == nil } })

    static let nodeAffinity = Filter(
        name: "NodeAffinity", wakes: .node, matters: { pod, _ in !pod.selectsAll },
        refusal: { pod, node, _ in
            pod.selects(node.shape)
                ? nil : Refusal("node(s) didn't match Pod's node affinity/selector", isFinal: true)
        }, helps: { pod, event in node(event) { pod.selects($0.shape) } })

    private static func isTaken(_ pod: PodDemand, _ node: NodeSummary) -> Bool {
        !node.ports.isEmpty
            && pod.ports.contains { wanted in node.ports.keys.contains { $0.conflicts(with: wanted) } }
    }
    static let ports = Filter(
        name: "NodePorts", wakes: [.node, .podLeft], matters: { pod, _ in !pod.ports.isEmpty },
        refusal: { pod, node, _ in
            isTaken(pod, node) ? Refusal("node(s) didn't have free ports for the requested pod ports") : nil
        },
        helps: { pod, event in
            if case .podLeft(let other) = event {
                return other.ports.contains { free in pod.ports.contains { $0.conflicts(with: free) } }
            }
            return node(event) { !isTaken(pod, $0) }
        })

    static let resources = Filter(
        name: "NodeResourcesFit", wakes: [.node, .podLeft],
        refusal: { pod, node, _ in pod.shortages(on: node) },
        helps: { pod, event in
            // Any pod that leaves gives back at least its place among the node's pods.
            if case .podLeft = event { return true }
            return node(event) { pod.shortages(on: $0) == nil }
        })

    static let spread = Filter(
        name: "PodTopologySpread", wakes: [.node, .podLeft, .podCame], matters: { _, cycle in !cycle.required.isEmpty },
        refusal: { _, node, cycle in
            for spread in cycle.required {
                guard let value = node.labels[spread.constraint.topologyKey] else {
                    return Refusal(
                        "node(s) didn't match pod topology spread constraints (missing required label)",
                        isFinal: true)
                }
                let count = (spread.counts[value] ?? 0) + spread.own
                if count - spread.least > spread.constraint.maxSkew {
                    return Refusal("node(s) didn't match pod topology spread constraints")
                }
            }
            return nil
        },
        helps: { pod, event in
            switch event {
            case .podLeft(let other), .podCame(let other):
                other.namespace == pod.namespace && pod.constraints.contains { $0.matches(labels: other.labels) }
            case .node(_, let isMoved): isMoved
            case .volume, .namespace: false
            }
        })

    static let podAffinity = Filter(
        name: "InterPodAffinity", wakes: [.node, .podLeft, .podCame, .namespace],
        matters: { _, cycle in !(cycle.near.isEmpty && cycle.avoided.isEmpty && cycle.avoiding.isEmpty) },
        refusal: { pod, node, cycle in
            let labels = node.labels
            for places in cycle.near {
                guard let value = labels[places.key], cycle.isFirstOfItsKind || places.counts[value] != nil else {
                    return Refusal("node(s) didn't match pod affinity rules", isFinal: true)
                }
            }
            func contains(_ places: Cycle.Places) -> Bool {
                labels[places.key].map { places.counts[$0] != nil } ?? false
            }
            if cycle.avoided.contains(where: contains) {
                return Refusal("node(s) didn't match pod anti-affinity rules")
            }
            if cycle.avoiding.contains(where: contains) {
                return Refusal("node(s) didn't satisfy existing pods anti-affinity rules")
            }
            return nil
        },
        helps: { pod, event in
            switch event {
            case .podCame(let other): other.isWanted(by: pod)
            case .podLeft(let other):
                pod.affinity.requiredAnti.contains { $0.mayMatch(other) }
                    || other.affinity.requiredAnti.contains { $0.mayMatch(pod) } || other.isWanted(by: pod)
            case .node(_, let isMoved): isMoved
            case .namespace:
                (pod.affinity.required + pod.affinity.requiredAnti).contains { $0.namespaceSelector != nil }
            case .volume: false
            }
        })
}

extension PodAffinity.Term {
    /// Like `matches`, but takes every namespace that a selector might find for one that it does.
    fileprivate func mayMatch(_ pod: PodDemand) -> Bool {
        (namespaces.contains(pod.namespace) || namespaceSelector != nil) && selector?.matches(pod.labels) ?? false
    }
}

extension PodDemand {
    fileprivate func isWanted(by pod: PodDemand) -> Bool {
        !pod.affinity.required.isEmpty && pod.affinity.required.allSatisfy { $0.mayMatch(self) }
    }
    /// Its own spread constraints, or one that stands for the cluster's.
    fileprivate var constraints: [SpreadConstraint] {
        guard spread.isEmpty, let siblings else { return spread }
        return [SpreadConstraint(default: "", maxSkew: 1, isRequired: true, selector: siblings)]
    }

    /// What the node lacks for the pod.
    func shortages(on node: NodeSummary) -> Filter.Refusal? {
        var reasons: [String] = []
        var isFinal = false
        let allocatable = node.shape.allocatable
        if node.pods.count >= node.shape.podsMax { reasons.append("Too many pods") }
        func check(_ name: String, _ wanted: Int, _ used: Int, _ total: Int) {
            guard wanted > 0, wanted > total - min(used, total) else { return }
            reasons.append("Insufficient \(name)")
            if wanted > total { isFinal = true }
        }
        check("cpu", requests.cpu, node.used.cpu, allocatable.cpu)
        check("memory", requests.memory, node.used.memory, allocatable.memory)
        check("ephemeral-storage", requests.storage, node.used.storage, allocatable.storage)
        if !requests.others.isEmpty {
            for (name, wanted) in requests.others {
                check(name, wanted, node.used.others[name] ?? 0, allocatable.others[name] ?? 0)
            }
        }
        return reasons.isEmpty ? nil : Filter.Refusal(reasons, isFinal: isFinal)
    }
}
