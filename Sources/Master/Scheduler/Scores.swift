import Shared

/// A named opinion on how well a pod would sit on a node. Opinions are brought to 0…100 over the candidates, weighted
/// and added.
struct Score: Sendable {
    enum Scale: Sendable {
        /// The value is already 0…100.
        case absolute
        /// The largest value becomes 100.
        case most
        /// The smallest value becomes 100, the largest 0.
        case least
        /// Smallest to 0, largest to 100; negative values are meant.
        case range
    }
    let name: String
    let weight: Double
    let scale: Scale
    let value: @Sendable (PodDemand, NodeSummary, Cycle) -> Double
    /// False when the opinion is the same for all nodes, so that it need not be asked.
    var matters: @Sendable (PodDemand, Cycle) -> Bool = { _, _ in true }
}

extension Score {
    /// Kubernetes's set and weights; spreading by controller stands for its default constraints.
    static let standard: [Score] = [
        Score(name: "LeastAllocated", weight: 1, scale: .absolute) { pod, node, _ in
            let cpu = Score.free(node.usedWeight.cpu, pod.weight.cpu, node.allocatable.cpu)
            let memory = Score.free(node.usedWeight.memory, pod.weight.memory, node.allocatable.memory)
            return (cpu + memory) / 2 * 100
        },
        Score(name: "BalancedAllocation", weight: 1, scale: .absolute) { pod, node, _ in
            let cpu = 1 - Score.free(node.used.cpu, pod.requests.cpu, node.allocatable.cpu)
            let memory = 1 - Score.free(node.used.memory, pod.requests.memory, node.allocatable.memory)
            // The standard deviation of two fractions is half their distance.
            return (1 - abs(cpu - memory) / 2) * 100
        },
        Score(name: "ImageLocality", weight: 1, scale: .absolute) { pod, node, _ in
            guard !node.images.isEmpty else { return 0 }
            let bytes = pod.images.reduce(0.0) { $0 + Double(node.images[$1] ?? node.images[$1 + ":latest"] ?? 0) }
            let most = Double(pod.images.count) * 1e9
            return max(0, min(1, (bytes - 23e6) / max(1, most - 23e6))) * 100
        },
        Score(
            name: "TaintToleration", weight: 3, scale: .least,
            value: { pod, node, _ in
                node.taints.isEmpty
                    ? 0
                    : Double(
                        node.taints.count { taint in
                            taint.effect == "PreferNoSchedule" && !pod.tolerations.contains { $0.tolerates(taint) }
                        })
            }),
        Score(
            name: "NodeAffinity", weight: 2, scale: .most,
            value: { pod, node, _ in
                pod.nodeAffinity.preferred.reduce(0) { sum, preference in
                    let matches = preference.term.matches(name: node.name, labels: node.labels)
                    return sum + (matches ? Double(preference.weight) : 0)
                }
            }, matters: { pod, _ in !pod.nodeAffinity.preferred.isEmpty }),
        Score(
            name: "PodTopologySpread", weight: 2, scale: .least,
            value: { _, node, cycle in
                cycle.preferred.reduce(0) { sum, spread in
                    guard let value = node.labels[spread.constraint.topologyKey] else { return sum + 1e6 }
                    return sum + Double(spread.counts[value] ?? 0) + Double(spread.constraint.maxSkew - 1)
                }
            }, matters: { _, cycle in !cycle.preferred.isEmpty }),
        Score(
            name: "SpreadByOwner", weight: 2, scale: .least,
            value: { pod, node, cycle in
                guard let owner = pod.owner else { return 0 }
                let zone =
                    cycle.ownerZones.isEmpty ? 0 : node.labels[Cycle.zone].flatMap { cycle.ownerZones[$0] } ?? 0
                return Double(node.owners[owner] ?? 0) * 3 + Double(zone)
            }, matters: { pod, _ in pod.owner != nil }),
        Score(
            name: "InterPodAffinity", weight: 2, scale: .range,
            value: { _, node, cycle in
                cycle.attraction.reduce(0) { sum, entry in
                    node.labels[entry.key.key] == entry.key.value ? sum + Double(entry.value) : sum
                }
            }, matters: { _, cycle in !cycle.attraction.isEmpty }),
    ]

    /// The free share after the pod came, 0…1.
    private static func free(_ used: Int, _ wanted: Int, _ total: Int) -> Double {
        guard total > 0 else { return 0 }
        return max(0, Double(total) - Double(used) - Double(wanted)) / Double(total)
    }

    /// Brings values to 0…100.
    func scaled(_ values: [Double]) -> [Double] {
        let most = values.max() ?? 0
        let least = values.min() ?? 0
        switch scale {
        case .absolute: return values
        case .most: return most > 0 ? values.map { $0 / most * 100 } : values
        case .least: return most > 0 ? values.map { (most - $0) / most * 100 } : values.map { _ in 100 }
        case .range: return most > least ? values.map { ($0 - least) / (most - least) * 100 } : values.map { _ in 0 }
        }
    }
}
