import Shared

/// What a node says of itself, read from its object once. A class, because the many copies of a summary share one.
final class NodeShape: Sendable {
    let name: String
    let labels: [String: String]
    /// Taints that keep pods away.
    let taints: [TaintMark]
    /// Taints of the effect `PreferNoSchedule`.
    let softTaints: [TaintMark]
    let isUnschedulable: Bool
    let allocatable: Amounts
    let podsMax: Int
    /// Size in bytes of the images that the node has, by name.
    let images: [String: Int]

    init(_ node: Node) {
        name = node.name
        labels = node.metadata.labels
        let marks = node.taints.map { TaintMark($0) }
        taints = marks.filter { $0.effect != "PreferNoSchedule" }
        softTaints = marks.filter { $0.effect == "PreferNoSchedule" }
        isUnschedulable = node.isUnschedulable
        let quantities = node.allocatable
        allocatable = Amounts(quantities)
        podsMax = quantities["pods"]?.value ?? 0
        var images: [String: Int] = [:]
        for image in node.json.at("status", "images").items {
            let size = image["sizeBytes"].int ?? 0
            for name in image["names"].items.compactMap(\.string) { images[name] = size }
        }
        self.images = images
    }

    /// Whether nothing differs that placing depends on; images only make a node better or worse.
    func isLike(_ other: NodeShape) -> Bool {
        labels == other.labels && taints == other.taints && softTaints == other.softTaints
            && isUnschedulable == other.isUnschedulable && allocatable == other.allocatable && podsMax == other.podsMax
    }
}

/// A taint as plain text.
struct TaintMark: Hashable, Sendable {
    let key: String
    let value: String
    let effect: String

    init(_ taint: Taint) {
        key = taint.key
        value = taint.value
        effect = taint.effect
    }
    init(_ key: String, effect: String) {
        self.key = key
        value = ""
        self.effect = effect
    }
}

/// What the scheduler knows of a node: what it has, what its pods take, kept up to date by differences.
struct NodeSummary: Sendable {
    private(set) var shape: NodeShape
    private(set) var pods: [String: PodDemand] = [:]
    private(set) var used = Amounts()
    private(set) var usedWeight = (cpu: 0, memory: 0)
    private(set) var ports: [HostPort: Int] = [:]

    var name: String { shape.name }
    var labels: [String: String] { shape.labels }

    init(_ node: Node) { shape = NodeShape(node) }

    /// Takes over a newer object of the node; its pods stay.
    /// - Returns: the shape before.
    mutating func update(_ node: Node) -> NodeShape {
        let before = shape
        shape = NodeShape(node)
        return before
    }

    mutating func add(_ pod: PodDemand) {
        if pods[pod.uid] != nil { remove(pod.uid) }
        pods[pod.uid] = pod
        used += pod.requests
        usedWeight.cpu = Amounts.sum(usedWeight.cpu, pod.weight.cpu)
        usedWeight.memory = Amounts.sum(usedWeight.memory, pod.weight.memory)
        for port in pod.ports { ports[port, default: 0] += 1 }
    }

    @discardableResult
    mutating func remove(_ uid: String) -> PodDemand? {
        guard let pod = pods.removeValue(forKey: uid) else { return nil }
        used -= pod.requests
        usedWeight.cpu = max(0, usedWeight.cpu - pod.weight.cpu)
        usedWeight.memory = max(0, usedWeight.memory - pod.weight.memory)
        for port in pod.ports {
            let left = (ports[port] ?? 0) - 1
            ports[port] = left > 0 ? left : nil
        }
        return pod
    }
}
