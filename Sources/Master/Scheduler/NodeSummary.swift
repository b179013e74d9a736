import Shared

/// What the scheduler knows of a node: what it has, what its pods take, kept up to date by differences.
struct NodeSummary: Sendable {
    let name: String
    private(set) var labels: [String: String]
    private(set) var taints: [Taint]
    private(set) var isUnschedulable: Bool
    private(set) var allocatable: Amounts
    private(set) var podsMax: Int
    /// Size in bytes of the images that the node has, by name.
    private(set) var images: [String: Int]

    private(set) var pods: [String: PodDemand] = [:]
    private(set) var used = Amounts()
    private(set) var usedWeight = (cpu: 0, memory: 0)
    private(set) var ports: [HostPort: Int] = [:]
    /// Pods per controller.
    private(set) var owners: [String: Int] = [:]
    /// Uids of pods with affinity terms of their own.
    private(set) var withAffinity: Set<String> = []

    init(_ node: Node) {
        name = node.name
        labels = node.metadata.labels
        taints = node.taints
        isUnschedulable = node.isUnschedulable
        let quantities = node.allocatable
        allocatable = Amounts(quantities)
        podsMax = quantities["pods"]?.value ?? 0
        images = NodeSummary.images(of: node)
    }

    /// Takes over a newer object of the node; its pods stay.
    /// - Returns: false when nothing changed that placing depends on.
    mutating func update(_ node: Node) -> Bool {
        let fresh = NodeSummary(node)
        let isSame =
            fresh.labels == labels && fresh.taints == taints && fresh.isUnschedulable == isUnschedulable
            && fresh.allocatable == allocatable && fresh.podsMax == podsMax
        labels = fresh.labels
        taints = fresh.taints
        isUnschedulable = fresh.isUnschedulable
        allocatable = fresh.allocatable
        podsMax = fresh.podsMax
        images = fresh.images
        return !isSame
    }

    private static func images(of node: Node) -> [String: Int] {
        var images: [String: Int] = [:]
        for image in node.json.at("status", "images").items {
            let size = image["sizeBytes"].int ?? 0
            for name in image["names"].items.compactMap(\.string) { images[name] = size }
        }
        return images
    }

    mutating func add(_ pod: PodDemand) {
        if pods[pod.uid] != nil { remove(pod.uid) }
        pods[pod.uid] = pod
        used += pod.requests
        usedWeight.cpu = Amounts.sum(usedWeight.cpu, pod.weight.cpu)
        usedWeight.memory = Amounts.sum(usedWeight.memory, pod.weight.memory)
        for port in pod.ports { ports[port, default: 0] += 1 }
        if let owner = pod.owner { owners[owner, default: 0] += 1 }
        if !pod.affinity.isEmpty { withAffinity.insert(pod.uid) }
    }

    mutating func remove(_ uid: String) {
        guard let pod = pods.removeValue(forKey: uid) else { return }
        used -= pod.requests
        usedWeight.cpu = max(0, usedWeight.cpu - pod.weight.cpu)
        usedWeight.memory = max(0, usedWeight.memory - pod.weight.memory)
        for port in pod.ports { ports.lower(port) }
        if let owner = pod.owner { owners.lower(owner) }
        withAffinity.remove(uid)
    }
}

extension [String: Int] {
    /// Counts one less; a count of zero is removed.
    fileprivate mutating func lower(_ key: String) {
        let left = (self[key] ?? 0) - 1
        self[key] = left > 0 ? left : nil
    }
}
extension [HostPort: Int] {
    fileprivate mutating func lower(_ key: HostPort) {
        let left = (self[key] ?? 0) - 1
        self[key] = left > 0 ? left : nil
    }
}
