import Shared

/// What the node lifecycle controller knows about one node, as a value.
struct NodeHealth: Equatable {
    enum Readiness: Equatable { case ready, notReady, unknown }

    /// The node's conditions after `silence` without a sign of life; nil when they stay as they are.
    static func conditions(of node: Node, silence: Duration, grace: Duration, now: Timestamp) -> [Condition]? {
        guard silence >= grace else { return nil }
        var conditions = node.conditions
        for type in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            if let known = conditions.first(type) {
                guard known.status != "Unknown" else { continue }
                var lost = Condition(
                    type, nil, reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status.", since: now)
                lost.json.set(
                    "lastHeartbeatTime", known.json["lastHeartbeatTime"].isNull ? nil : known.json["lastHeartbeatTime"])
                conditions.put(lost)
            } else {
                var never = Condition(
                    type, nil, reason: "NodeStatusNeverUpdated", message: "Kubelet never posted node status.",
                    since: now)
                never.json.set("lastHeartbeatTime", node.metadata.creationTimestamp.map { .string($0.rfc3339) })
                conditions.put(never)
            }
        }
        return conditions == node.conditions ? nil : conditions
    }

    static func readiness(_ node: Node) -> Readiness {
        switch node.condition("Ready")?.status {
        case "True": .ready
        case "False": .notReady
        default: .unknown
        }
    }

    /// The taints that the node should have; nil when it has them.
    /// - Parameter evicting: whether pods of a node that is not ready are to leave it now.
    static func taints(of node: Node, evicting: Bool, now: Timestamp) -> [Taint]? {
        var wanted: [(key: String, effect: String)] = []
        switch readiness(node) {
        case .ready: break
        case .notReady: wanted.append((NodeTaint.notReady, "NoSchedule"))
        case .unknown:
            // A node that has never reported is not ready yet.
            let hasReported = node.condition("Ready") != nil
            wanted.append((hasReported ? NodeTaint.unreachable : NodeTaint.notReady, "NoSchedule"))
        }
        if evicting, let first = wanted.first { wanted.append((first.key, "NoExecute")) }
        let pressures = [
            ("MemoryPressure", NodeTaint.memoryPressure), ("DiskPressure", NodeTaint.diskPressure),
            ("PIDPressure", NodeTaint.processPressure), ("NetworkUnavailable", NodeTaint.networkUnavailable),
        ]
        for (type, key) in pressures where node.condition(type)?.isTrue ?? false { wanted.append((key, "NoSchedule")) }
        if node.isUnschedulable { wanted.append((NodeTaint.unschedulable, "NoSchedule")) }
        let known = node.taints
        var taints = known.filter { taint in
            let isOwn =
                taint.effect == "NoSchedule" && NodeTaint.ownNoSchedule.contains(taint.key)
                || taint.effect == "NoExecute" && NodeTaint.ownNoExecute.contains(taint.key)
            return !isOwn || wanted.contains { $0.key == taint.key && $0.effect == taint.effect }
        }
        for (key, effect) in wanted where !taints.contains(where: { $0.key == key && $0.effect == effect }) {
            taints.append(Taint(key, effect: effect, added: now))
        }
        return taints == known ? nil : taints
    }
}

/// How long a pod may stay on a node with these taints.
enum Stay: Equatable {
    case forever
    /// Counted from the time at which the node got the taint.
    case atMost(Duration)

    /// Source: `getMinTolerationTime` of the taint eviction controller.
    init(_ pod: PodSpec, under taints: [Taint]) {
        let noExecute = taints.filter { $0.effect == "NoExecute" }
        var shortest: Duration?
        let tolerations = pod.tolerations
        for taint in noExecute {
            guard let match = tolerations.first(where: { $0.tolerates(taint) }) else {
                self = .atMost(.zero)
                return
            }
            if let seconds = match.seconds.map({ Duration.seconds(max(0, $0)) }) {
                shortest = min(shortest ?? seconds, seconds)
            }
        }
        self = shortest.map { .atMost($0) } ?? .forever
    }
}
