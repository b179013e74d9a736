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
    let isReady: Bool
    let restarts: Int
    /// `running`, `waiting` or `terminated`.
    let state: String
    /// Reason of the state, such as `CrashLoopBackOff`, `Completed`, `OOMKilled`.
    let reason: String
    let exitCode: Int?
    /// How and when it ended the last time.
    let lastExit: Exit?
    struct Exit: Equatable, Sendable {
        let code: Int
        let reason: String
        let at: Timestamp?
        /// `exit 137 OOMKilled`, `exit 1`.
        var text: String {
            "exit \(code)" + (reason.isEmpty || reason == "Error" || reason == "Completed" ? "" : " \(reason)")
        }
    }

    init(_ status: ContainerStatus) {
        name = status.name
        isReady = status.isReady
        restarts = min(max(status.restartCount, 0), 1_000_000_000)
        let member = status.state.members.first
        state = member?.key ?? "waiting"
        reason = member?.value["reason"].string ?? ""
        exitCode = member?.value["exitCode"].int
        lastExit =
            ContainerFacts.exit(status.state["terminated"]) ?? ContainerFacts.exit(status.lastState["terminated"])
    }
    private static func exit(_ json: JSON) -> Exit? {
        guard let code = json["exitCode"].int else { return nil }
        return Exit(
            code: code, reason: json["reason"].string ?? "",
            at: json["finishedAt"].string.flatMap { Timestamp(rfc3339: $0) })
    }
}

/// What the console keeps of a pod.
struct PodFacts: Equatable, Sendable {
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
    let serviceAccount: String
    let since: Timestamp?

    init(_ pod: Pod) {
        let status = pod.status
        node = pod.spec.nodeName
        address = status.podIP
        containers = status.containerStatuses.map(ContainerFacts.init)
        initContainers = status.initContainerStatuses.map(ContainerFacts.init)
        let all = pod.spec.containers
        names = pod.spec.initContainers.map(\.name) + all.map(\.name)
        ready = containers.count { $0.isReady }
        restarts = containers.reduce(0) { $0 &+ $1.restarts }
        lastRestart = containers.filter { $0.restarts > 0 }.compactMap { $0.lastExit?.at }.max()
        cpuMillis = all.reduce(0) { $0 &+ ($1.requests["cpu"]?.milli ?? 0) }
        memoryBytes = all.reduce(0) { $0 &+ ($1.requests["memory"]?.value ?? 0) }
        serviceAccount = pod.spec.serviceAccountName
        let text = PodFacts.statusText(pod, containers, initContainers)
        self.status = text
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
