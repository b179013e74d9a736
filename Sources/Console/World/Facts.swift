import Shared

/// What the console keeps of a node.
struct NodeFacts: Equatable, Sendable {
    let isReady: Bool
    /// `Ready`, `NotReady`, `Unknown`, with `,SchedulingDisabled` when cordoned.
    let status: String
    /// Reason and message of the condition when it is not ready, or the pressures it reports.
    let why: String
    let since: Timestamp?
    let isCordoned: Bool
    let roles: [String]
    let taints: [String]
    let version: String
    let system: String
    let kernel: String
    let runtime: String
    let address: String
    let cpuMillis: Int
    let memoryBytes: Int
    let podsMax: Int

    init(_ node: Node) {
        let ready = node.condition("Ready")
        isReady = ready?.isTrue ?? false
        isCordoned = node.isUnschedulable
        let base = isReady ? "Ready" : ready?.status == "Unknown" ? "Unknown" : "NotReady"
        status = base + (isCordoned ? ",SchedulingDisabled" : "")
        let pressures = node.conditions.filter { $0.type != "Ready" && $0.isTrue }.map(\.type)
        why =
            isReady
            ? pressures.joined(separator: ",")
            : [ready?.reason ?? "", ready?.message ?? ""].filter { !$0.isEmpty }.joined(separator: ": ")
        since = ready?.lastTransitionTime
        let prefix = "node-role.kubernetes.io/"
        roles = node.metadata.labels.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            .sorted()
        taints = node.taints.map { "\($0.key):\($0.effect)" }
        let info = node.json.at("status", "nodeInfo")
        version = info["kubeletVersion"].string ?? ""
        system = info["osImage"].string ?? ""
        kernel = info["kernelVersion"].string ?? ""
        runtime = info["containerRuntimeVersion"].string ?? ""
        address = node.address("InternalIP")
        let room = node.allocatable
        cpuMillis = room["cpu"]?.milli ?? 0
        memoryBytes = room["memory"]?.value ?? 0
        podsMax = room["pods"]?.value ?? 0
    }
    var isControlPlane: Bool { roles.contains("control-plane") || roles.contains("master") }
}

/// What the console keeps of a Deployment, ReplicaSet, StatefulSet or DaemonSet.
struct WorkloadFacts: Equatable, Sendable {
    let desired: Int
    let ready: Int
    let updated: Int
    let available: Int
    let current: Int
    let images: [String]
    let containers: [String]
    let selector: [String: String]
    /// Why it does not get on, out of its conditions; empty when it does.
    let why: String
    /// What the server says when it refuses to make its pods; empty when it does not.
    let refusal: String
    let since: Timestamp?
    let isPaused: Bool

    init(_ json: JSON) {
        let spec = json["spec"]
        let status = json["status"]
        desired = spec["replicas"].count ?? status["desiredNumberScheduled"].count ?? 1
        ready = status["readyReplicas"].count ?? status["numberReady"].count ?? 0
        updated = status["updatedReplicas"].count ?? status["updatedNumberScheduled"].count ?? 0
        available = status["availableReplicas"].count ?? status["numberAvailable"].count ?? 0
        current = status["replicas"].count ?? status["currentNumberScheduled"].count ?? 0
        let pods = spec.at("template", "spec", "containers").items
        images = pods.compactMap { $0["image"].string }
        containers = pods.compactMap { $0["name"].string }
        selector = spec.at("selector", "matchLabels").strings
        isPaused = spec["paused"].bool ?? false
        let conditions = status["conditions"].items.map { Condition($0) }
        let bad = conditions.first {
            ($0.type == "ReplicaFailure" && $0.isTrue) || ($0.type == "Progressing" && $0.status == "False")
        }
        why = bad.map { $0.message.isEmpty ? $0.reason : $0.message } ?? ""
        refusal = conditions.first { $0.type == "ReplicaFailure" && $0.isTrue }?.message ?? ""
        since = (bad ?? conditions.first { $0.type == "Available" })?.lastTransitionTime
    }
    var isSettled: Bool { ready >= desired && updated >= desired }
}

/// What the console keeps of a Service.
struct ServiceFacts: Equatable, Sendable {
    let type: String
    let address: String
    let external: String
    let ports: String
    let selector: [String: String]
    /// Where its ports lead in the pods: numbers, or names that the pods' containers give.
    let targets: [String]

    init(_ service: ClusterService) {
        type = service.type
        address = service.clusterIP.isEmpty ? "–" : service.clusterIP
        let ingress = service.json.at("status", "loadBalancer", "ingress").items.compactMap {
            $0["ip"].string ?? $0["hostname"].string
        }
        let extra = service.json.at("spec", "externalIPs").items.compactMap(\.string)
        let name = service.json.at("spec", "externalName").string.map { [$0] } ?? []
        external = (ingress + extra + name).joined(separator: ",")
        ports = service.ports.map { port in
            let number = port["port"].int ?? 0
            let node = port["nodePort"].int.map { ":\($0)" } ?? ""
            return "\(number)\(node)/\(port["protocol"].string ?? "TCP")"
        }.joined(separator: " ")
        selector = service.selector
        targets = service.ports.map { port in
            port["targetPort"].string ?? "\(port["targetPort"].int ?? port["port"].int ?? 0)"
        }
    }
}

/// What the console keeps of a PersistentVolumeClaim.
struct ClaimFacts: Equatable, Sendable {
    /// `Pending`, `Bound` or `Lost`.
    let phase: String
    let volume: String
    /// Nil: the cluster's default class.
    let storageClass: String?
    let size: String

    init(_ json: JSON) {
        phase = json.at("status", "phase").string ?? ""
        volume = json.at("spec", "volumeName").string ?? ""
        storageClass = json.at("spec", "storageClassName").string
        size = json.at("spec", "resources", "requests", "storage").string ?? ""
    }
}

/// What the console keeps of a PodDisruptionBudget.
struct BudgetFacts: Equatable, Sendable {
    let selector: LabelSelector?
    let allowed: Int
    let healthy: Int
    let desired: Int

    init(_ json: JSON) {
        selector = LabelSelector(json.at("spec", "selector"))
        allowed = json.at("status", "disruptionsAllowed").count ?? 0
        healthy = json.at("status", "currentHealthy").count ?? 0
        desired = json.at("status", "desiredHealthy").count ?? 0
    }
}

/// What the console keeps of a Job.
struct JobFacts: Equatable, Sendable {
    let completions: Int?
    let parallelism: Int
    let succeeded: Int
    let failed: Int
    let active: Int
    let start: Timestamp?
    let end: Timestamp?
    /// `Complete`, `Failed`, `Suspended` or `Running`.
    let status: String
    let why: String
    let images: [String]

    init(_ json: JSON) {
        let spec = json["spec"]
        let state = json["status"]
        completions = spec["completions"].count
        parallelism = spec["parallelism"].count ?? 1
        succeeded = state["succeeded"].count ?? 0
        failed = state["failed"].count ?? 0
        active = state["active"].count ?? 0
        start = state["startTime"].string.flatMap { Timestamp(rfc3339: $0) }
        let conditions = state["conditions"].items.map { Condition($0) }.filter(\.isTrue)
        let ended = conditions.first { $0.type == "Complete" || $0.type == "Failed" }
        end = state["completionTime"].string.flatMap { Timestamp(rfc3339: $0) } ?? ended?.lastTransitionTime
        status = ended?.type ?? (conditions.contains { $0.type == "Suspended" } ? "Suspended" : "Running")
        why =
            ended?.type == "Failed"
            ? [ended?.reason ?? "", ended?.message ?? ""].filter { !$0.isEmpty }.joined(separator: ": ") : ""
        images = spec.at("template", "spec", "containers").items.compactMap { $0["image"].string }
    }
}

/// What the console keeps of an Event.
struct EventFacts: Equatable, Sendable {
    let isWarning: Bool
    let reason: String
    let message: String
    let kind: String
    let namespace: String
    let name: String
    let uid: String
    let count: Int
    let last: Timestamp?
    let source: String

    init(_ json: JSON) {
        isWarning = json["type"].string == "Warning"
        reason = json["reason"].string ?? ""
        message = json["message"].string ?? json["note"].string ?? ""
        let about = json["involvedObject"].object == nil ? json["regarding"] : json["involvedObject"]
        kind = about["kind"].string ?? ""
        namespace = about["namespace"].string ?? ""
        name = about["name"].string ?? ""
        uid = about["uid"].string ?? ""
        count = json.at("series", "count").count ?? json["count"].count ?? json["deprecatedCount"].count ?? 1
        let time = [
            json.at("series", "lastObservedTime"), json["lastTimestamp"], json["eventTime"],
            json.at("metadata", "creationTimestamp"),
        ]
        last = time.lazy.compactMap { $0.string.flatMap { Timestamp(rfc3339: $0) } }.first
        source = json.at("source", "component").string ?? json["reportingComponent"].string ?? ""
    }
}

/// What the console keeps of an EndpointSlice.
struct SliceFacts: Equatable, Sendable {
    let service: String
    let ready: Int
    let total: Int
    /// Names of the pods that are ready behind the service.
    let readyPods: Set<String>

    init(_ json: JSON) {
        service = json.at("metadata", "labels", "kubernetes.io/service-name").string ?? ""
        let endpoints = json["endpoints"].items
        let good = endpoints.filter { $0.at("conditions", "ready").bool ?? true }
        total = endpoints.count
        ready = good.count
        readyPods = Set(good.compactMap { $0.at("targetRef", "name").string ?? $0["addresses"][0].string })
    }
}

extension JSON {
    /// A number of things as a stranger tells it: from 0 to a thousand million, so that sums never overflow.
    var count: Int? { int.map { min(max($0, 0), 1_000_000_000) } }
}
