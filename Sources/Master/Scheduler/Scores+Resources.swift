import Shared

/// A resource that is looked at when nodes are rated by what they have left.
struct ResourceWeight: Sendable, Hashable {
    let name: String
    let weight: Int

    static let standard = [ResourceWeight(name: "cpu", weight: 1), ResourceWeight(name: "memory", weight: 1)]
}

extension Score {
    /// How the share of a resource that is taken becomes a value of 0…100.
    enum Strategy: Sendable {
        case leastAllocated
        case mostAllocated
        /// Points of a curve: utilization in percent, value 0…100; straight lines between them.
        case curve([(utilization: Int, value: Int)])

        func value(_ requested: Int, of capacity: Int) -> Int {
            switch self {
            case .leastAllocated: requested > capacity ? 0 : Strategy.percent(capacity - requested, of: capacity)
            case .mostAllocated: Strategy.percent(min(requested, capacity), of: capacity)
            case .curve(let points):
                Strategy.value(requested > capacity ? 100 : Strategy.percent(requested, of: capacity), on: points)
            }
        }
        private static func percent(_ part: Int, of whole: Int) -> Int {
            part < Int.max / 100 ? part * 100 / whole : Int(Double(part) / Double(whole) * 100)
        }
        private static func value(_ utilization: Int, on points: [(utilization: Int, value: Int)]) -> Int {
            for (index, point) in points.enumerated() where utilization <= point.utilization {
                guard index > 0 else { return point.value }
                let before = points[index - 1]
                let width = max(1, point.utilization - before.utilization)
                return before.value + (point.value - before.value) * (utilization - before.utilization) / width
            }
            return points.last?.value ?? 0
        }
    }

    /// Prefers nodes by how much of them is taken. Source: plugin `NodeResourcesFit`.
    static func resources(_ strategy: Strategy, _ resources: [ResourceWeight], weight: Int = 1) -> Score {
        Score(
            name: "NodeResourcesFit", weight: weight, scale: .absolute,
            values: { pod, nodes, _ in
                nodes.map { node in
                    var sum = 0
                    var weights = 0
                    for resource in resources {
                        let (requested, total) = node.share(of: resource.name, with: pod, isForScoring: true)
                        guard total > 0 else { continue }
                        sum += strategy.value(requested, of: total) * resource.weight
                        weights += resource.weight
                    }
                    return weights > 0 ? sum / weights : 0
                }
            })
    }

    /// Prefers nodes whose resources would be taken to like degrees. Source: plugin `NodeResourcesBalancedAllocation`.
    static func balance(_ resources: [ResourceWeight], weight: Int = 1) -> Score {
        Score(
            name: "NodeResourcesBalancedAllocation", weight: weight, scale: .absolute,
            values: { pod, nodes, _ in
                nodes.map { node in
                    func forEachShare(_ body: (Double) -> Void) {
                        for resource in resources {
                            let (requested, total) = node.share(of: resource.name, with: pod, isForScoring: false)
                            if total > 0 { body(min(1, Double(requested) / Double(total))) }
                        }
                    }
                    var (count, sum, difference) = (0.0, 0.0, 0.0)
                    forEachShare { share in
                        (count, sum, difference) = (count + 1, sum + share, share - difference)
                    }
                    guard count > 1 else { return 100 }
                    // The standard deviation of two shares is half their distance.
                    if count == 2 { return Int((1 - abs(difference) / 2) * 100) }
                    let mean = sum / count
                    var squares = 0.0
                    forEachShare { squares += ($0 - mean) * ($0 - mean) }
                    return Int((1 - (squares / count).squareRoot()) * 100)
                }
            },
            matters: { pod, _ in
                // A pod that asks for nothing would always be sent to the same node.
                resources.contains { pod.requests.amount(of: $0.name) > 0 }
            })
    }
}

extension NodeSummary {
    /// What would be taken of a resource once the pod is here, and how much there is; (0, 0) when it plays no part.
    fileprivate func share(
        of resource: String, with pod: PodDemand, isForScoring: Bool
    ) -> (requested: Int, total: Int) {
        let total = shape.allocatable.amount(of: resource)
        switch resource {
        case "cpu" where isForScoring: return (Amounts.sum(usedWeight.cpu, pod.weight.cpu), total)
        case "memory" where isForScoring: return (Amounts.sum(usedWeight.memory, pod.weight.memory), total)
        case "cpu", "memory", "ephemeral-storage":
            return (Amounts.sum(used.amount(of: resource), pod.requests.amount(of: resource)), total)
        default:
            let wanted = pod.requests.amount(of: resource)
            return wanted > 0 ? (Amounts.sum(used.amount(of: resource), wanted), total) : (0, 0)
        }
    }
}

extension Amounts {
    func amount(of resource: String) -> Int {
        switch resource {
        case "cpu": cpu
        case "memory": memory
        case "ephemeral-storage": storage
        default: others[resource] ?? 0
        }
    }
}
