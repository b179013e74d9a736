import Shared

/// Everything that placing a pod depends on, read from its object once.
struct PodDemand: Sendable, Equatable {
    let key: ObjectKey
    let uid: String
    let labels: [String: String]
    let priority: Int
    let requests: Amounts
    /// Requests for scoring: a pod that asks for nothing counts as a small one.
    let weight: (cpu: Int, memory: Int)
    /// The node that the pod names itself; empty as a rule.
    let nodeName: String
    let nodeSelector: [String: String]
    let nodeAffinity: NodeAffinity
    let tolerations: [Toleration]
    let ports: [HostPort]
    let spread: [SpreadConstraint]
    let affinity: PodAffinity
    let images: [String]
    /// Uid of its controller; pods of one controller are spread.
    let owner: String?
    let isDeleting: Bool

    var namespace: String { key.namespace }

    init(_ pod: Pod) {
        let spec = pod.spec
        let metadata = pod.metadata
        key = pod.key
        uid = metadata.uid
        labels = metadata.labels
        priority = spec.priority
        let requests = PodDemand.requests(of: spec)
        self.requests = requests
        weight = (requests.cpu == 0 ? 100 : requests.cpu, requests.memory == 0 ? 200 << 20 : requests.memory)
        nodeName = spec.nodeName
        nodeSelector = spec.nodeSelector
        nodeAffinity = NodeAffinity(spec.json.at("affinity", "nodeAffinity"))
        tolerations = spec.tolerations
        ports = spec.containers.flatMap { $0.ports.compactMap { HostPort($0, hostNetwork: spec.hostNetwork) } }
        spread = spec.json["topologySpreadConstraints"].items.map { SpreadConstraint($0, labels: metadata.labels) }
        affinity = PodAffinity(spec.json["affinity"], namespace: pod.namespace, labels: metadata.labels)
        images = spec.containers.map(\.image)
        owner = metadata.controller?.uid
        isDeleting = metadata.isDeleting
    }

    /// What the whole pod asks for: containers together, or the most demanding moment of its start.
    /// Source: `resourcehelper.PodRequests`, KEP-753.
    static func requests(of spec: PodSpec) -> Amounts {
        var total = Amounts()
        for container in spec.containers { total += Amounts(container.requests) }
        var sidecars = Amounts()
        var start = Amounts()
        for container in spec.initContainers {
            var request = Amounts(container.requests)
            if container.json["restartPolicy"].string == "Always" {
                sidecars += request
                total += request
                start = start.union(sidecars)
            } else {
                request += sidecars
                start = start.union(request)
            }
        }
        total = total.union(start)
        total += Amounts(spec.json["overhead"].strings.compactMapValues { Quantity($0) })
        return total
    }

    static func == (left: PodDemand, right: PodDemand) -> Bool { left.uid == right.uid && left.key == right.key }
}

/// A port of the node that a container occupies.
struct HostPort: Hashable, Sendable {
    let address: String
    let transport: String
    let port: Int

    /// Nil when the container port takes no port of the node.
    init?(_ json: JSON, hostNetwork: Bool) {
        let number = json["hostPort"].int ?? (hostNetwork ? json["containerPort"].int ?? 0 : 0)
        guard number > 0 else { return nil }
        port = number
        transport = json["protocol"].string ?? "TCP"
        let address = json["hostIP"].string ?? ""
        self.address = address.isEmpty ? "0.0.0.0" : address
    }

    func conflicts(with other: HostPort) -> Bool {
        port == other.port && transport == other.transport
            && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
    }
}
