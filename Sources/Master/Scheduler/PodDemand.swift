import Shared

/// Everything that placing a pod depends on, read from its object once. A class, because the scheduler's tables all
/// hold the one reading; it never changes.
final class PodDemand: Sendable, Equatable {
    let key: ObjectKey
    let uid: String
    let labels: [String: String]
    let schedulerName: String
    let priority: Int
    let requests: Amounts
    /// Requests for scoring: a container that does not say what it asks for counts as a small one.
    let weight: (cpu: Int, memory: Int)
    /// The node that the pod names itself; empty as a rule.
    let nodeName: String
    let nodeSelector: [String: String]
    let nodeAffinity: NodeAffinity
    let tolerations: [Tolerance]
    let ports: [HostPort]
    let spread: [SpreadConstraint]
    /// Selects the pods of the same services and controller; they are spread over nodes and zones by default.
    let siblings: LabelSelector?
    let affinity: PodAffinity
    let images: [String]
    let claims: [ClaimUse]
    let disks: [DiskUse]
    let isDeleting: Bool
    /// It was asked to leave so that a pod of higher priority can come.
    let isPreempted: Bool
    let neverPreempts: Bool
    /// The node whose pods were asked to leave for this one; empty as a rule.
    let nominatedNode: String
    let startTime: Timestamp?
    let created: Timestamp?

    var namespace: String { key.namespace }

    /// A claim that a volume of the pod refers to.
    struct ClaimUse: Hashable, Sendable {
        let name: String
        /// Made for this pod alone by the ephemeral volume controller.
        let isEphemeral: Bool
    }

    init(_ pod: Pod, siblings: LabelSelector? = nil) {
        let spec = pod.spec
        let metadata = pod.metadata
        let status = pod.status
        key = pod.key
        uid = metadata.uid
        labels = metadata.labels
        schedulerName = spec.schedulerName.isEmpty ? Scheduler.name : spec.schedulerName
        priority = spec.priority
        let requests = Amounts(PodAmounts.sum(spec.json, "requests"))
        self.requests = requests
        let isSilent = (spec.containers + spec.initContainers).contains { container in
            PodDemand.unsaid.keys.contains { container.json["resources"]["requests"][$0].isNull }
        }
        let weighed =
            isSilent ? Amounts(PodAmounts.sum(spec.json, "requests", unsaid: PodDemand.unsaid)) : requests
        weight = (weighed.cpu, weighed.memory)
        nodeName = spec.nodeName
        nodeSelector = spec.nodeSelector
        nodeAffinity = NodeAffinity(spec.json.at("affinity", "nodeAffinity"))
        tolerations = spec.tolerations.map { Tolerance($0) }
        let sidecars = spec.initContainers.filter { $0.json["restartPolicy"].string == "Always" }
        ports = (spec.containers + sidecars).flatMap {
            $0.ports.compactMap { HostPort($0, hostNetwork: spec.hostNetwork) }
        }
        spread = spec.json["topologySpreadConstraints"].items.map { SpreadConstraint($0, labels: metadata.labels) }
        self.siblings = siblings
        affinity = PodAffinity(spec.json["affinity"], namespace: pod.namespace, labels: metadata.labels)
        images = (spec.initContainers + spec.containers).map { PodDemand.fullName(ofImage: $0.image) }
        claims = spec.volumes.compactMap { volume in
            if let name = volume.at("persistentVolumeClaim", "claimName").string {
                return ClaimUse(name: name, isEphemeral: false)
            }
            guard !volume["ephemeral"].isNull else { return nil }
            return ClaimUse(name: "\(pod.name)-\(volume["name"].string ?? "")", isEphemeral: true)
        }
        disks = spec.volumes.compactMap { DiskUse($0) }
        isDeleting = metadata.isDeleting
        isPreempted = metadata.isDeleting && status.condition("DisruptionTarget")?.reason == "PreemptionByScheduler"
        neverPreempts = spec.json["preemptionPolicy"].string == "Never"
        nominatedNode = status.json["nominatedNodeName"].string ?? ""
        startTime = status.startTime
        created = metadata.creationTimestamp
    }

    /// Source: `DefaultMilliCPURequest`, `DefaultMemoryRequest`.
    private static let unsaid = ["cpu": Quantity(milli: 100), "memory": Quantity(200 << 20)]

    /// The name under which a node lists an image: with its tag.
    private static func fullName(ofImage name: String) -> String {
        let last = name.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return last.contains(":") ? name : "\(name):latest"
    }

    static func == (left: PodDemand, right: PodDemand) -> Bool { left.uid == right.uid && left.key == right.key }
}

/// A toleration as plain text. Source: core/v1 `Toleration.ToleratesTaint`.
struct Tolerance: Hashable, Sendable {
    let key: String
    let value: String
    let effect: String
    let exists: Bool

    init(_ toleration: Toleration) {
        key = toleration.key
        value = toleration.value
        effect = toleration.effect
        exists = toleration.exists
    }

    func tolerates(_ taint: TaintMark) -> Bool {
        (effect.isEmpty || effect == taint.effect) && (key.isEmpty || key == taint.key)
            && (exists || value == taint.value) && !(key.isEmpty && !exists)
    }
}

extension PodDemand {
    func tolerates(_ taint: TaintMark) -> Bool { tolerations.contains { $0.tolerates(taint) } }

    /// The first taint that keeps the pod away.
    func untolerated(of node: NodeShape) -> TaintMark? { node.taints.first { !tolerates($0) } }
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
