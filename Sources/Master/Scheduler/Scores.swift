import Shared

#if canImport(Glibc)
    import Glibc
#endif

/// A named opinion on how well a pod would sit on each of some nodes. Opinions are brought to 0…100 over the
/// candidates, weighted and added. Whole numbers throughout: what is equal in Kubernetes is equal here.
struct Score: Sendable {
    enum Scale: Sendable {
        /// The value is already 0…100.
        case absolute
        /// The largest value becomes 100.
        case most
        /// 0 becomes 100, the largest value 0.
        case least
        /// Smallest to 0, largest to 100; negative values are meant.
        case range
        /// The smallest value comes closest to 100. Source: `podtopologyspread.NormalizeScore`.
        case spread
    }
    /// The name of the plugin in Kubernetes; configuration files refer to it.
    let name: String
    var weight: Int
    let scale: Scale
    /// A value for each candidate; nil stands for a candidate that is not rated and gets 0.
    let values: @Sendable (PodDemand, [NodeSummary], Cycle) -> [Int?]
    /// False when the opinion is the same for all nodes, so that it need not be asked.
    var matters: @Sendable (PodDemand, Cycle) -> Bool = { _, _ in true }

    /// Brings values to 0…100.
    func scaled(_ values: [Int?]) -> [Int] {
        let rated = values.compactMap { $0 }
        let most = rated.max() ?? 0
        let least = rated.min() ?? 0
        return values.map { value in
            guard let value else { return 0 }
            switch scale {
            case .absolute: return value
            case .most: return most > 0 ? value * 100 / most : value
            case .least: return most > 0 ? 100 - value * 100 / most : 100
            case .range: return most > least ? Int(100 * (Double(value - least) / Double(most - least))) : 0
            case .spread: return most > 0 ? 100 * (most + least - value) / most : 100
            }
        }
    }
}

extension Score {
    /// Kubernetes's set and weights.
    static let standard: [Score] = [
        resources(.leastAllocated, ResourceWeight.standard), balance(ResourceWeight.standard), images, taints,
        nodeAffinity, spread, podAffinity,
    ]

    static let images = Score(
        name: "ImageLocality", weight: 1, scale: .absolute,
        values: { pod, nodes, cycle in
            // Source: plugin `ImageLocality`, `minThreshold` and `maxContainerThreshold`.
            let least = 23 << 20
            let most = (1000 << 20) * max(1, pod.images.count)
            return nodes.map { node in
                guard !node.shape.images.isEmpty else { return 0 }
                var bytes = 0
                for (image, share) in zip(pod.images, cycle.imageShares) {
                    let size = Double(max(0, node.shape.images[image] ?? 0))
                    bytes = Amounts.sum(bytes, Int(min(size * share, 1e18)))
                }
                return 100 * (min(max(bytes, least), most) - least) / (most - least)
            }
        }, matters: { _, cycle in !cycle.imageShares.isEmpty })

    static let taints = Score(
        name: "TaintToleration", weight: 3, scale: .least,
        values: { pod, nodes, _ in nodes.map { node in node.shape.softTaints.count { !pod.tolerates($0) } } })

    static let nodeAffinity = Score(
        name: "NodeAffinity", weight: 2, scale: .most,
        values: { pod, nodes, _ in
            nodes.map { node in
                pod.nodeAffinity.preferred.reduce(0) { $0 + ($1.term.matches(node.shape) ? $1.weight : 0) }
            }
        }, matters: { pod, _ in !pod.nodeAffinity.preferred.isEmpty })

    static let spread = Score(
        name: "PodTopologySpread", weight: 2, scale: .spread,
        values: { _, nodes, cycle in
            let keys = cycle.preferred.map(\.constraint.topologyKey)
            let isRated = nodes.map { node in
                !cycle.requiresAllKeys || keys.allSatisfy { node.labels[$0] != nil }
            }
            // The more domains, the more weighs a pod in one of them. Source: `topologyNormalizingWeight`.
            let weights = keys.map { key in
                var values: Set<String> = []
                for (node, isRated) in zip(nodes, isRated) where isRated { values.insert(node.labels[key] ?? "") }
                return log(Double(values.count + 2))
            }
            return zip(nodes, isRated).map { node, isRated in
                guard isRated else { return nil }
                var sum = 0.0
                for (spread, weight) in zip(cycle.preferred, weights) {
                    guard let value = node.labels[spread.constraint.topologyKey] else { continue }
                    sum += Double(spread.counts[value] ?? 0) * weight + Double(spread.constraint.maxSkew - 1)
                }
                return Int(min(sum.rounded(), 1e15))
            }
        }, matters: { _, cycle in !cycle.preferred.isEmpty })

    static let podAffinity = Score(
        name: "InterPodAffinity", weight: 2, scale: .range,
        values: { _, nodes, cycle in
            nodes.map { node in
                cycle.attraction.reduce(0) { sum, entry in
                    sum + (node.labels[entry.key].flatMap { entry.value[$0] } ?? 0)
                }
            }
        }, matters: { _, cycle in !cycle.attraction.isEmpty })
}
