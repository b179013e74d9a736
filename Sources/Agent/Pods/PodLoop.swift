import Shared
import Synchronization

/// One pod on this node: observe, decide (`nextStep`), perform, report, again. A class: events and operations that run
/// beside the loop write into its state. `turn` is called for one pod at most once at a time.
final class PodLoop: Sendable {
    let uid: String
    let tools: PodTools
    /// Makes the loop's next turn come.
    let wake: @Sendable () -> Void
    let state: Mutex<PodState>
    let probes = Mutex<[String: ProbeCourse]>([:])
    private let refreshed: Mutex<Timestamp>

    init(_ pod: Pod, sandbox: SandboxState?, tools: PodTools, wake: @escaping @Sendable () -> Void) {
        uid = pod.metadata.uid
        self.tools = tools
        self.wake = wake
        var initial = PodState(pod: pod)
        if let sandbox { initial.adopt(sandbox, hasVolumes: tools.volumes.exists(pod)) }
        state = Mutex(initial)
        refreshed = Mutex(tools.clock.now())
    }

    var snapshot: PodState { state.withLock { $0 } }

    // MARK: What others tell

    /// A new version of the object.
    func update(_ pod: Pod) {
        state.withLock { state in
            // The agent's own last word on the status may be newer than the watch.
            let isOlder = (pod.metadata.revision ?? .zero) < (state.pod.metadata.revision ?? .zero)
            if !isOlder { state.pod = pod }
        }
        wake()
    }
    /// The pod is no longer in the API.
    func abandon() {
        state.withLock { $0.isWanted = false }
        wake()
    }
    func receive(_ event: RuntimeEvent) {
        state.withLock { $0.receive(event) }
        wake()
    }
    /// The node ends the pod.
    func end(_ reason: String, _ message: String) {
        state.withLock { if $0.ending == nil { $0.ending = WaitingReason(reason: reason, message: message) } }
        wake()
    }

    // MARK: The loop

    /// Works until there is nothing to do now.
    /// - Returns: when to come again; nil: when something happens. `isOver`: the loop can be forgotten.
    func turn() async throws -> (next: Timestamp?, isOver: Bool) {
        let first = snapshot
        if first.startTime == nil, !first.mustEnd {
            state.withLock { $0.startTime = tools.clock.now().wholeSeconds }
            try? await report()
        }
        while true {
            try Task.checkCancellation()
            let now = tools.clock.now()
            checkDeadline(now)
            let snapshot = snapshot
            explainExits(snapshot)
            let step = nextStep(snapshot, now: now)
            tools.log.debug("next", ("pod", snapshot.pod.key.path), ("step", "\(step)"))
            switch step {
            case .wait(let until):
                sayBackoffs(snapshot, now: now)
                var wake = EarliestTime()
                wake.add(until)
                wake.add(runProbes(snapshot, now: now))
                wake.add(try await refreshVolumes(snapshot, now: now))
                try await report()
                return (wake.time, false)
            case .end:
                Files.removeAll(tools.logFolder(snapshot.pod))
                return (nil, true)
            default: try await perform(step, snapshot, now: now)
            }
        }
    }

    private func checkDeadline(_ now: Timestamp) {
        let exceeded = state.withLock { state -> Bool in
            guard state.ending == nil, !state.pod.isFinished, let deadline = state.deadline, deadline <= now else {
                return false
            }
            state.ending = WaitingReason(
                reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline")
            return true
        }
        if exceeded {
            event(.normal, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
        }
    }

    private func refreshVolumes(_ snapshot: PodState, now: Timestamp) async throws -> Timestamp? {
        guard snapshot.hasVolumes, !snapshot.mustEnd, snapshot.pod.spec.volumes.contains(where: Volumes.follows) else {
            return nil
        }
        let last = refreshed.withLock { $0 }
        guard now >= last + Limits.volumeRefresh else { return last + Limits.volumeRefresh }
        refreshed.withLock { $0 = now }
        do { try await tools.volumes.refresh(snapshot.pod, source(snapshot)) } catch {
            tools.log.debug("a volume was not renewed", ("pod", snapshot.pod.key.path), ("error", "\(error)"))
        }
        return now + Limits.volumeRefresh
    }

    /// Writes the status when it differs from what the API has.
    func report() async throws {
        let snapshot = snapshot
        guard snapshot.isWanted, !snapshot.isConfirmed else { return }
        if snapshot.pod.isFinished, snapshot.sandbox == nil, snapshot.formerSandbox == nil { return }
        let old = snapshot.pod.json["status"]
        let status = StatusReport(state: snapshot, hostAddress: tools.node.address, now: tools.clock.now()).json
        guard status != old else { return }
        var patch = status
        for key in old.members.keys where status.members[key] == nil { patch[key] = .null }
        do {
            let answer = try await tools.client.patch(
                Pod.self, namespace: snapshot.pod.namespace, name: snapshot.pod.name, subresource: "status", .merge,
                ["metadata": ["uid": .string(uid)], "status": patch])
            state.withLock { state in
                if (answer.metadata.revision ?? .zero) >= (state.pod.metadata.revision ?? .zero) { state.pod = answer }
            }
        } catch let status as Status where status.reason == .notFound || status.reason == .conflict {
            // Deleted, or another pod of that name: the watch will say so.
            tools.log.debug("the status was refused", ("pod", snapshot.pod.key.path), ("error", "\(status)"))
        }
    }

    // MARK: Parts of steps

    func event(_ kind: Recorder.Kind, _ reason: String, _ message: String, container: String = "") {
        let pod = snapshot.pod
        let isInit = pod.spec.initContainers.contains { $0.name == container }
        let isMain = pod.spec.containers.contains { $0.name == container }
        let list = isInit ? "initContainers" : isMain ? "containers" : "ephemeralContainers"
        let field = container.isEmpty ? "" : "spec.\(list){\(container)}"
        tools.recorder.event(pod, kind, reason, message, field: field)
    }

    func source(_ state: PodState) -> EnvironmentSource {
        EnvironmentSource(
            pod: state.pod, nodeName: tools.node.name, hostAddress: tools.node.address,
            podAddress: state.pod.spec.hostNetwork ? tools.node.address : state.address?.description ?? "",
            nodeCPUMillis: tools.node.cpuMillis, nodeMemory: tools.node.memoryBytes)
    }

    /// Runs work beside the loop; the pod is not taken down before it has ended.
    func aside(_ work: @escaping @Sendable () async -> Void) {
        state.withLock { $0.running += 1 }
        tools.background.start { [self] in
            await work()
            state.withLock { $0.running -= 1 }
            wake()
        }
    }

    func remember(_ container: String, _ change: (inout ContainerMemory) -> Void) {
        state.withLock { change(&$0.containers[container, default: ContainerMemory()]) }
    }

    /// Says once for each attempt that a crashed container waits.
    private func sayBackoffs(_ snapshot: PodState, now: Timestamp) {
        guard !snapshot.mustEnd else { return }
        for view in snapshot.allViews where view.shouldRestart && view.memory.saidAttempt != view.current?.id.attempt {
            guard view.restartTime(now: now) > now else { continue }
            remember(view.name) { $0.saidAttempt = view.current?.id.attempt ?? -1 }
            event(.warning, "BackOff", "Back-off restarting failed container", container: view.name)
        }
    }

    /// Reads the end of the log of failed attempts that left no message, where the container asks for that.
    private func explainExits(_ snapshot: PodState) {
        for view in snapshot.allViews where view.failed {
            guard let current = view.current, view.exit?.message.isEmpty ?? true,
                view.memory.logMessage?.attempt != current.id.attempt,
                view.spec.json["terminationMessagePolicy"].string == "FallbackToLogsOnError"
            else { continue }
            let text = LogTail.text(current.logPath)
            remember(view.name) { $0.logMessage = (current.id.attempt, text) }
        }
    }
}

extension Timestamp {
    var wholeSeconds: Timestamp { Timestamp(seconds: seconds) }
}

extension PodState {
    /// Takes over what a former agent left running.
    mutating func adopt(_ found: SandboxState, hasVolumes: Bool) {
        sandbox = found
        self.hasVolumes = hasVolumes
        for view in allViews where view.isRunning {
            let status = (pod.status.containerStatuses + pod.status.initContainerStatuses).first {
                $0.name == view.name && $0.json["containerID"].string == view.current?.id.description
            }
            var memory = ContainerMemory()
            memory.postStart = .done
            memory.isStarted = view.probe("startupProbe") == nil || status?.json["started"].bool == true
            memory.isReady = view.probe("readinessProbe") == nil || status?.isReady == true
            // Unknown what the former agent had applied; doing it again changes nothing.
            memory.limits = view.isEphemeral ? nil : ResourceLimits()
            containers[view.name] = memory
        }
    }

    mutating func receive(_ event: RuntimeEvent) {
        switch event {
        case .started(let container): put(container)
        case .exited(let container): put(container)
        case .sandboxLost:
            guard sandbox != nil else { return }
            sandbox?.isAlive = false
            for index in (sandbox?.containers ?? []).indices where sandbox?.containers[index].phase == .running {
                sandbox?.containers[index].phase = .exited
                sandbox?.containers[index].exit = ContainerExit(
                    code: 137, signal: 9, finishedAt: SystemClock().now().nanoseconds)
            }
        }
    }

    /// An attempt that has ended stays ended, whatever arrives late.
    mutating func put(_ container: ContainerState) {
        guard let index = sandbox?.containers.firstIndex(where: { $0.id == container.id }) else {
            sandbox?.containers.append(container)
            return
        }
        if sandbox?.containers[index].phase == .exited, container.phase == .running { return }
        sandbox?.containers[index] = container
    }

    /// Keeps what is worth knowing of a sandbox that is gone.
    mutating func dropSandbox() {
        guard let gone = sandbox else { return }
        var kept = gone
        let older = formerSandbox?.containers ?? []
        kept.containers = older.filter { old in !gone.containers.contains { $0.id == old.id } } + gone.containers
        var byName: [String: [ContainerState]] = [:]
        for container in kept.containers { byName[container.id.name, default: []].append(container) }
        kept.containers = byName.values.flatMap { $0.sorted { $0.id.attempt < $1.id.attempt }.suffix(2) }
        formerSandbox = kept
        sandbox = nil
    }
}
