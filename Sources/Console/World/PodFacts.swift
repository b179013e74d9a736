import Shared

/// How a pod is doing, coarse enough for a colour and a letter.
enum Health: UInt8, Sendable, CaseIterable {
    case running, starting, pending, crashed, failed, terminating, finished, lost

    var tone: Style.Tone {
        switch self {
        case .running: .good
        case .starting, .pending: .busy
        case .crashed, .failed: .bad
        case .terminating, .lost: .warn
        case .finished: .done
        }
    }
    var glyph: String {
        switch self {
        case .running: "●"
        case .starting: "◐"
        case .pending: "○"
        case .crashed, .failed: "✗"
        case .terminating: "◌"
        case .finished: "✓"
        case .lost: "?"
        }
    }
    /// One letter for the smallest tiles: the state stays readable without colour.
    var letter: String {
        switch self {
        case .running: "R"
        case .starting: "S"
        case .pending: "P"
        case .crashed: "C"
        case .failed: "F"
        case .terminating: "T"
        case .finished: "D"
        case .lost: "?"
        }
    }
    var isProblem: Bool { self == .crashed || self == .failed || self == .lost }
}

/// What the console keeps of a container of a pod.
struct ContainerFacts: Equatable, Sendable {
    let name: String
    let image: String
    let isReady: Bool
    let restarts: Int
    /// `running`, `waiting` or `terminated`.
    let state: String
    /// Reason of the state, such as `CrashLoopBackOff`, `Completed`, `OOMKilled`.
    let reason: String
    /// What the runtime says about the state; cut.
    let message: String
    let exitCode: Int?
    /// How and when it ended the last time.
    let lastExit: Exit?
    struct Exit: Equatable, Sendable {
        let code: Int
        let reason: String
        let at: Timestamp?
        /// How long it had run.
        let ran: Duration?
        /// What the program left as its termination message; cut.
        let message: String
        /// `exit 137 OOMKilled`, `exit 1`.
        var text: String {
            "exit \(code)" + (reason.isEmpty || reason == "Error" || reason == "Completed" ? "" : " \(reason)")
        }
    }

    init(_ status: ContainerStatus) {
        name = Pools.text(status.name)
        image = Pools.text(status.json["image"].string ?? "")
        isReady = status.isReady
        restarts = min(max(status.restartCount, 0), 1_000_000_000)
        let member = status.state.members.first
        state = member?.key ?? "waiting"
        reason = Pools.text(member?.value["reason"].string ?? "")
        message = ContainerFacts.cut(member?.value["message"])
        exitCode = member?.value["exitCode"].int
        lastExit =
            ContainerFacts.exit(status.state["terminated"]) ?? ContainerFacts.exit(status.lastState["terminated"])
    }
    private static func exit(_ json: JSON) -> Exit? {
        guard let code = json["exitCode"].int else { return nil }
        let times = ["startedAt", "finishedAt"].map { json[$0].string.flatMap { Timestamp(rfc3339: $0) } }
        return Exit(
            code: code, reason: json["reason"].string ?? "", at: times[1],
            ran: times[0].flatMap { start in times[1].map { $0 - start } }, message: cut(json["message"]))
    }
    private static func cut(_ json: JSON?) -> String {
        json?.string.map { String($0.prefix(Limits.messageCharactersMax)) } ?? ""
    }
}

/// What the console keeps of a pod.
struct PodFacts: Equatable, Sendable {
    struct Port: Hashable, Sendable {
        let name: String
        let number: Int
    }

    let node: String
    let address: String
    let health: Health
    /// The STATUS of kubectl, such as `Running`, `CrashLoopBackOff`, `Init:0/1`.
    let status: String
    /// Why it is not well, in a few words: `exit 1`, `0/3 nodes fit`; empty when all is well.
    let why: String
    let ready: Int
    let containers: [ContainerFacts]
    let initContainers: [ContainerFacts]
    /// Names of its containers in the order of its spec, init containers first.
    let names: [String]
    let restarts: Int
    let lastRestart: Timestamp?
    let cpuMillis: Int
    let memoryBytes: Int
    /// The smallest memory limit of its containers; nil when none has one.
    let memoryLimit: Int?
    let serviceAccount: String
    let since: Timestamp?
    /// Persistent volume claims that it mounts.
    let claims: [String]
    /// Ports that its containers name.
    let ports: [Port]
    /// Conditions that it waits for besides its containers, and that are not met.
    let gates: [String]
    /// Whether its containers are started again when they end in order.
    let restartsAlways: Bool

    init(_ pod: Pod) {
        let status = pod.status
        node = Pools.text(pod.spec.nodeName)
        address = status.podIP
        containers = status.containerStatuses.map(ContainerFacts.init)
        initContainers = status.initContainerStatuses.map(ContainerFacts.init)
        let all = pod.spec.containers
        names = Pools.lists.one(pod.spec.initContainers.map(\.name) + all.map(\.name))
        ready = containers.count { $0.isReady }
        restarts = containers.reduce(0) { $0 &+ $1.restarts }
        lastRestart = containers.filter { $0.restarts > 0 }.compactMap { $0.lastExit?.at }.max()
        func amounts(_ list: String, _ resource: String) -> some Sequence<Quantity> {
            all.lazy.compactMap { $0.json.at("resources", list, resource).string.flatMap { Quantity($0) } }
        }
        cpuMillis = amounts("requests", "cpu").reduce(0) { $0 &+ $1.milli }
        memoryBytes = amounts("requests", "memory").reduce(0) { $0 &+ $1.value }
        memoryLimit = amounts("limits", "memory").map(\.value).min()
        serviceAccount = Pools.text(pod.spec.serviceAccountName)
        claims = pod.json.at("spec", "volumes").items.compactMap {
            $0.at("persistentVolumeClaim", "claimName").string
        }
        ports = Pools.ports.one(
            all.flatMap { container in
                container.ports.map { Port(name: $0["name"].string ?? "", number: $0["containerPort"].int ?? 0) }
            })
        let conditions = status.json["conditions"].items.map { Condition($0) }
        gates = pod.json.at("spec", "readinessGates").items.compactMap { $0["conditionType"].string }
            .filter { gate in !conditions.contains { $0.type == gate && $0.isTrue } }
        restartsAlways = (pod.json.at("spec", "restartPolicy").string ?? "Always") == "Always"
        let text = PodFacts.statusText(pod, containers, initContainers)
        self.status = Pools.text(text)
        let isDone = pod.isFinished
        health = PodFacts.health(
            pod, text, containers, isReady: ready == max(all.count, 1) && !containers.isEmpty, isDone)
        why = PodFacts.reason(pod, text, containers + initContainers)
        since = status.condition("Ready")?.lastTransitionTime ?? status.startTime
    }

    /// Total of its ordinary containers.
    var total: Int { max(containers.count, names.count - initContainers.count) }

    /// The STATUS column. Source: kubectl's `printPod`.
    private static func statusText(_ pod: Pod, _ containers: [ContainerFacts], _ inits: [ContainerFacts]) -> String {
        var text = pod.status.reason.isEmpty ? pod.status.phase.rawValue : pod.status.reason
        var isInitializing = false
        for (index, container) in inits.enumerated() {
            if container.state == "terminated", container.exitCode == 0 { continue }
            if container.isReady, container.state == "running" { continue }
            isInitializing = true
            if container.state == "terminated" {
                text = "Init:" + (container.reason.isEmpty ? "ExitCode:\(container.exitCode ?? 0)" : container.reason)
            } else if container.state == "waiting", !container.reason.isEmpty, container.reason != "PodInitializing" {
                text = "Init:" + container.reason
            } else {
                text = "Init:\(index)/\(inits.count)"
            }
            break
        }
        if !isInitializing {
            var hasRunning = false
            for container in containers.reversed() {
                if container.state == "waiting", !container.reason.isEmpty {
                    text = container.reason
                } else if container.state == "terminated" {
                    text = container.reason.isEmpty ? "ExitCode:\(container.exitCode ?? 0)" : container.reason
                } else if container.isReady, container.state == "running" {
                    hasRunning = true
                }
            }
            if text == "Completed", hasRunning {
                text = pod.status.condition("Ready")?.isTrue == true ? "Running" : "NotReady"
            }
        }
        if pod.metadata.isDeleting { return pod.status.reason == "NodeLost" ? "Unknown" : "Terminating" }
        return text
    }

    private static func health(
        _ pod: Pod, _ text: String, _ containers: [ContainerFacts], isReady: Bool, _ isDone: Bool
    ) -> Health {
        if text == "Unknown" || text == "NodeLost" { return .lost }
        if pod.metadata.isDeleting { return .terminating }
        switch pod.status.phase {
        case .succeeded: return .finished
        case .failed: return .failed
        case .unknown: return .lost
        case .pending, .running: break
        }
        let bad =
            text.hasSuffix("BackOff") || text.hasSuffix("Error") || text.hasPrefix("ErrImage") || text == "OOMKilled"
            || text.hasPrefix("ExitCode") || text == "AddressInUse" || text.hasSuffix("InvalidImageName")
        if bad { return .crashed }
        if pod.spec.nodeName.isEmpty { return .pending }
        return isReady ? .running : .starting
    }

    private static func reason(_ pod: Pod, _ text: String, _ containers: [ContainerFacts]) -> String {
        if let condition = pod.status.condition("PodScheduled"), condition.status == "False" {
            return condition.message.isEmpty ? condition.reason : condition.message
        }
        if !pod.status.message.isEmpty { return pod.status.message }
        for container in containers where container.state != "running" {
            if let exit = container.lastExit, exit.code != 0 { return exit.text }
        }
        for container in containers where !container.isReady {
            if let exit = container.lastExit, exit.code != 0, container.restarts > 0 { return "last \(exit.text)" }
        }
        return ""
    }

    /// The short name of a tile: without the part that every pod of a ReplicaSet shares.
    static func shortName(_ item: Item) -> String {
        guard let hash = item.labels["pod-template-hash"], !hash.isEmpty,
            let range = item.name.firstRange(of: "-\(hash)-")
        else { return item.name }
        return item.name[..<range.lowerBound] + "-" + item.name[range.upperBound...]
    }
}
