import Shared

/// Makes `status` of a pod from what is known about it. Pure. Source: kubelet `convertToAPIContainerStatuses`,
/// `status/generate.go`; checked against recorded sequences.
struct StatusReport: Sendable {
    let state: PodState
    let hostAddress: String
    let now: Timestamp

    /// The whole status; members that this agent does not write are as they were.
    var json: JSON {
        var status = state.pod.json["status"]
        if status.object == nil { status = [:] }
        let phase = state.phase
        status["phase"] = .string(phase.rawValue)
        if let ending = state.ending {
            status["reason"] = .string(ending.reason)
            status["message"] = .string(ending.message)
        }
        status["conditions"] = .array(conditions(phase).map(\.json))
        status["hostIP"] = .string(hostAddress)
        status["hostIPs"] = [["ip": .string(hostAddress)]]
        let address = state.pod.spec.hostNetwork ? hostAddress : state.address?.description ?? ""
        if !address.isEmpty, state.sandbox != nil || !state.pod.status.podIP.isEmpty {
            status["podIP"] = .string(address)
            status["podIPs"] = [["ip": .string(address)]]
        }
        if let start = state.startTime { status["startTime"] = .string(start.rfc3339) }
        if !state.initViews.isEmpty { status["initContainerStatuses"] = .array(state.initViews.map(container)) }
        status["containerStatuses"] = .array(state.mainViews.map(container))
        let ephemeral = state.ephemeralViews
        if !ephemeral.isEmpty { status["ephemeralContainerStatuses"] = .array(ephemeral.map(container)) }
        if status["qosClass"].isNull { status["qosClass"] = .string(QualityClass(state.pod).rawValue) }
        return status
    }

    // MARK: Conditions

    private func conditions(_ phase: PodStatus.Phase) -> [Condition] {
        let old = state.pod.status.conditions
        var list: [Condition] = []
        let hasNetwork = state.sandbox?.isAlive == true && (state.address != nil || state.pod.spec.hostNetwork)
        list.append(condition("PodReadyToStartContainers", hasNetwork))
        list.append(initialized(phase))
        let ready = readiness(phase)
        list.append(podReady(ready))
        list.append(
            Condition("ContainersReady", ready.isTrue, reason: ready.reason, message: ready.message, since: now))
        for condition in old where !list.contains(where: { $0.type == condition.type }) { list.append(condition) }
        if !list.contains(where: { $0.type == "PodScheduled" }) { list.append(condition("PodScheduled", true)) }
        return list.map { fresh in
            var fresh = fresh
            if let before = old.first(fresh.type), before.status == fresh.status {
                fresh.lastTransitionTime = before.lastTransitionTime
            }
            fresh.json["lastProbeTime"] = old.first(fresh.type)?.json["lastProbeTime"] ?? .null
            return fresh.ordered
        }
    }

    private func condition(_ type: String, _ value: Bool, reason: String = "", message: String = "") -> Condition {
        Condition(type, value, reason: reason, message: message, since: now)
    }

    private func initialized(_ phase: PodStatus.Phase) -> Condition {
        if phase == .succeeded { return condition("Initialized", true, reason: "PodCompleted") }
        let hasStarted = state.mainViews.contains { $0.current != nil || $0.previous != nil }
        let missing = state.initViews.filter { view in
            view.isSidecar ? !(view.isRunning && view.memory.isStarted) : !view.succeeded
        }
        if missing.isEmpty || hasStarted || (state.pod.isFinished && phase != .failed) {
            return condition("Initialized", true)
        }
        let names = missing.map(\.name).joined(separator: " ")
        return condition(
            "Initialized", false, reason: "ContainersNotInitialized",
            message: "containers with incomplete status: [\(names)]")
    }

    private func readiness(_ phase: PodStatus.Phase) -> Condition {
        if phase == .succeeded { return condition("ContainersReady", false, reason: "PodCompleted") }
        let unready = (state.initViews.filter(\.isSidecar) + state.mainViews).filter { !isReady($0) }
        if unready.isEmpty { return condition("ContainersReady", true) }
        let names = unready.map(\.name).joined(separator: " ")
        return condition(
            "ContainersReady", false, reason: "ContainersNotReady",
            message: "containers with unready status: [\(names)]")
    }

    private func podReady(_ ready: Condition) -> Condition {
        guard ready.isTrue else {
            return condition("Ready", false, reason: ready.reason, message: ready.message)
        }
        let missing = state.pod.spec.json["readinessGates"].items.compactMap { gate -> String? in
            guard let type = gate["conditionType"].string else { return nil }
            guard let known = state.pod.status.condition(type) else {
                return "corresponding condition of pod readiness gate \"\(type)\" does not exist."
            }
            return known.isTrue
                ? nil : "the status of pod readiness gate \"\(type)\" is not \"True\", but \(known.status)"
        }
        if missing.isEmpty { return condition("Ready", true) }
        let message = missing.count == 1 ? missing[0] : "[" + missing.joined(separator: ", ") + "]"
        return condition("Ready", false, reason: "ReadinessGatesNotReady", message: message)
    }

    func isReady(_ view: ContainerView) -> Bool {
        view.isRunning && view.memory.isReady && view.memory.isStarted && state.ending == nil
    }
}

extension Condition {
    /// The members in the order of the API type.
    fileprivate var ordered: Condition {
        var result: JSON = [:]
        for key in ["type", "status", "lastProbeTime", "lastTransitionTime", "reason", "message"] {
            if let value = json.members[key] { result[key] = value }
        }
        for (key, value) in json.members where result.members[key] == nil { result[key] = value }
        return Condition(result)
    }
}

/// `status.qosClass`. Source: Kubernetes `qos.ComputePodQOS`.
enum QualityClass: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    init(_ pod: Pod) {
        var hasAny = false
        var isGuaranteed = true
        for container in pod.spec.containers + pod.spec.initContainers {
            let limits = container.limits
            let requests = container.requests.merging(limits) { own, _ in own }
            for name in ["cpu", "memory"] {
                let request = requests[name].flatMap { $0.isZero ? nil : $0 }
                let limit = limits[name].flatMap { $0.isZero ? nil : $0 }
                if request != nil || limit != nil { hasAny = true }
                if limit == nil || request != limit { isGuaranteed = false }
            }
        }
        self = !hasAny ? .bestEffort : isGuaranteed ? .guaranteed : .burstable
    }
}
