import Shared

/// A pod in four words, as `kubectl get pods` shows it. Source: `printPod` of `pkg/printers/internalversion`.
struct PodSummary {
    private(set) var ready = 0
    private(set) var total = 0
    /// Phase or what is more telling: `CrashLoopBackOff`, `Init:1/2`, `Terminating`.
    private(set) var reason = ""
    private var restarts = 0
    private var lastRestart: Timestamp?
    private let pod: JSON

    init(_ pod: JSON) {
        self.pod = pod
        let status = pod["status"]
        let sidecars = Set(
            pod["spec"]["initContainers"].items.filter { $0["restartPolicy"] == "Always" }.compactMap(\.["name"].string)
        )
        total = pod["spec"]["containers"].items.count + sidecars.count
        reason = status["reason"].string ?? ""
        if reason.isEmpty { reason = status["phase"].string ?? "" }
        if condition("PodScheduled")["reason"] == "SchedulingGated" { reason = "SchedulingGated" }
        var sidecarRestarts = (count: 0, last: Timestamp?.none)
        let isInitializing = walkInit(sidecars, &sidecarRestarts)
        if !isInitializing || condition("Initialized")["status"] == "True" {
            restarts = sidecarRestarts.count
            lastRestart = sidecarRestarts.last
            walkMain()
        }
        if !pod["metadata"]["deletionTimestamp"].isNull {
            if status["reason"] == "NodeLost" {
                reason = "Unknown"
            } else if !["Succeeded", "Failed"].contains(status["phase"].string ?? "") {
                reason = "Terminating"
            }
        }
    }

    private func condition(_ type: String) -> JSON {
        pod["status"]["conditions"].items.first { $0["type"].string == type } ?? .null
    }

    /// True while an init container is not done.
    private mutating func walkInit(_ sidecars: Set<String>, _ sidecar: inout (count: Int, last: Timestamp?)) -> Bool {
        let total = pod["spec"]["initContainers"].items.count
        for (index, container) in pod["status"]["initContainerStatuses"].items.enumerated() {
            count(container)
            let state = container["state"]
            let isSidecar = sidecars.contains(container["name"].string ?? "")
            if isSidecar {
                sidecar.count &+= container["restartCount"].int ?? 0
                sidecar.last = [sidecar.last, PodSummary.lastFinish(container)].compactMap { $0 }.max()
            }
            let terminated = state["terminated"]
            if !terminated.isNull, (terminated["exitCode"].int ?? 0) == 0 { continue }
            if isSidecar, container["started"] == true {
                if container["ready"] == true { ready += 1 }
                continue
            }
            let waiting = state["waiting"]["reason"].string ?? ""
            if !terminated.isNull {
                reason = "Init:" + PodSummary.ending(terminated)
            } else if !waiting.isEmpty, waiting != "PodInitializing" {
                reason = "Init:" + waiting
            } else {
                reason = "Init:\(index)/\(total)"
            }
            return true
        }
        return false
    }

    private mutating func walkMain() {
        var isRunning = false
        for container in pod["status"]["containerStatuses"].items.reversed() {
            count(container)
            let state = container["state"]
            let waiting = state["waiting"]["reason"].string ?? ""
            if !waiting.isEmpty {
                reason = waiting
            } else if !state["terminated"].isNull {
                reason = PodSummary.ending(state["terminated"])
            } else if container["ready"] == true, !state["running"].isNull {
                isRunning = true
                ready += 1
            }
        }
        if reason == "Completed", isRunning {
            reason = condition("Ready")["status"] == "True" ? "Running" : "NotReady"
        }
    }

    private mutating func count(_ container: JSON) {
        restarts &+= container["restartCount"].int ?? 0
        lastRestart = [lastRestart, PodSummary.lastFinish(container)].compactMap { $0 }.max()
    }

    private static func lastFinish(_ container: JSON) -> Timestamp? {
        container["lastState"]["terminated"]["finishedAt"].string.flatMap { Timestamp(rfc3339: $0) }
    }
    private static func ending(_ terminated: JSON) -> String {
        if let reason = terminated["reason"].string, !reason.isEmpty { return reason }
        let signal = terminated["signal"].int ?? 0
        return signal != 0 ? "Signal:\(signal)" : "ExitCode:\(terminated["exitCode"].int ?? 0)"
    }

    func cell(_ column: String, age: (JSON) -> String) -> JSON {
        let spec = pod["spec"]
        let status = pod["status"]
        func text(_ value: JSON) -> JSON {
            let text = value.string ?? ""
            return .string(text.isEmpty ? "<none>" : text)
        }
        switch column {
        case "Ready": return .string("\(ready)/\(total)")
        case "Status": return .string(reason)
        case "Restarts":
            guard restarts != 0, let lastRestart else { return .string(String(restarts)) }
            return .string("\(restarts) (\(age(.string(lastRestart.rfc3339))) ago)")
        case "IP":
            let first = status["podIPs"][0]["ip"]
            return text(first.isNull ? status["podIP"] : first)
        case "Node": return text(spec["nodeName"])
        case "Nominated Node": return text(status["nominatedNodeName"])
        default:
            let gates = spec["readinessGates"].items
            let met = gates.count { condition($0["conditionType"].string ?? "")["status"] == "True" }
            return .string(gates.isEmpty ? "<none>" : "\(met)/\(gates.count)")
        }
    }
}
