import Shared

/// Why something could not be done, as a waiting container shows it.
struct WaitingReason: Equatable, Sendable {
    var reason: String
    var message: String
}

/// Something that failed and is tried again.
struct Retry: Equatable, Sendable {
    var why: WaitingReason
    var failures = 1
    var at: Timestamp

    /// One more failure: the wait doubles.
    static func after(_ last: Retry?, _ why: WaitingReason, now: Timestamp) -> Retry {
        let failures = (last?.failures ?? 0) + 1
        let delay = Backoff.delay(
            afterFailures: failures - 1, first: Limits.preparationRetry, most: Limits.preparationRetryMost)
        return Retry(why: why, failures: failures, at: now + delay)
    }
}

/// What the agent remembers about one container of a pod between two looks.
struct ContainerMemory: Equatable, Sendable {
    struct Stop: Equatable, Sendable {
        var attempt: Int
        /// When it is killed.
        var deadline: Timestamp
    }
    enum Hook: Equatable, Sendable { case none, running, done }

    var image: ImageInfo?
    var isPulling = false
    var pull: Retry?
    /// A configuration or start that failed before there was an attempt.
    var create: Retry?
    /// The attempt that could not be executed, and why.
    var startError: (attempt: Int, message: String)?
    /// Taken from the log, for attempts that left no message.
    var logMessage: (attempt: Int, message: String)?
    var backoff = RestartBackoff()
    /// The attempt after whose end an event said that the container waits.
    var saidAttempt = -1
    var postStart = Hook.none
    var stop: Stop?
    /// Why a running container must end and start again.
    var restartReason: String?
    var isStarted = false
    var isReady = false
    /// The limits that the running attempt has now; nil when they are not known.
    var limits: ResourceLimits?
    /// They were changed while it ran.
    var isResized = false

    static func == (left: Self, right: Self) -> Bool {
        left.image == right.image && left.isPulling == right.isPulling && left.pull == right.pull
            && left.create == right.create && left.startError?.attempt == right.startError?.attempt
            && left.logMessage?.attempt == right.logMessage?.attempt && left.backoff == right.backoff
            && left.saidAttempt == right.saidAttempt && left.postStart == right.postStart
            && left.stop == right.stop && left.restartReason == right.restartReason
            && left.isStarted == right.isStarted && left.isReady == right.isReady
            && left.limits == right.limits && left.isResized == right.isResized
    }
}

/// All that is known about one pod: what is wanted, what was observed, and what must be remembered. A value.
struct PodState: Sendable {
    /// The newest object of the API.
    var pod: Pod
    /// The pod is in the API under this uid and on this node.
    var isWanted = true
    var sandbox: SandboxState?
    /// The sandbox as it was when it was removed.
    var formerSandbox: SandboxState?
    var address: IPv4Address?
    var hasVolumes = false
    /// Preparation that failed: volumes, sandbox or network.
    var preparation: Retry?
    var containers: [String: ContainerMemory] = [:]
    /// The node ends the pod for this reason (`DeadlineExceeded`, `Evicted`): its phase is Failed.
    var ending: WaitingReason?
    /// Operations that run beside the loop.
    var running = 0
    /// The API was told that nothing of the pod is left.
    var isConfirmed = false
    var startTime: Timestamp?
    /// When the agent began to end the pod.
    var endStart: Timestamp?

    init(pod: Pod) {
        self.pod = pod
        startTime = pod.status.startTime
        address = IPv4Address(pod.status.podIP)
        if pod.spec.hostNetwork { address = nil }
        if pod.status.phase == .failed, ["DeadlineExceeded", "Evicted"].contains(pod.status.reason) {
            ending = WaitingReason(reason: pod.status.reason, message: pod.status.message)
        }
    }

    var uid: String { pod.metadata.uid }
    /// `NAME_NAMESPACE(UID)`, as the kubelet's messages name a pod.
    var fullName: String { "\(pod.name)_\(pod.namespace)(\(uid))" }
}

/// One container of the pod with all that is known about it. Pure look-ups.
struct ContainerView: Sendable {
    let spec: Container
    let isInit: Bool
    /// The newest attempt.
    let current: ContainerState?
    /// The attempt before.
    let previous: ContainerState?
    let memory: ContainerMemory
    let restartPolicy: PodSpec.RestartPolicy
    /// Added to the running pod to look into it; started once. Source: KEP-277.
    var isEphemeral = false

    var name: String { spec.name }
    /// An init container with `restartPolicy: Always`. Source: KEP-753.
    var isSidecar: Bool { isInit && spec.json["restartPolicy"].string == "Always" }
    var isRunning: Bool { current?.phase == .running }
    var exit: ContainerExit? { current?.exit }
    var succeeded: Bool { current?.phase == .exited && exit?.code == 0 }
    var failed: Bool { current?.phase == .exited && exit?.code != 0 }

    /// Whether an ended container starts again.
    var shouldRestart: Bool {
        guard current?.phase == .exited else { return false }
        if isSidecar { return true }
        switch restartPolicy {
        case .always: return isInit ? exit?.code != 0 : true
        case .onFailure: return exit?.code != 0
        case .never: return false
        }
    }

    /// When an ended container may start again.
    func restartTime(now: Timestamp) -> Timestamp {
        memory.backoff.ready(after: Timestamp(nanoseconds: exit?.finishedAt ?? 0), now: now)
    }

    func probe(_ key: String) -> JSON? {
        let probe = spec.json[key]
        guard probe.object != nil else { return nil }
        return probe
    }
}

extension PodState {
    var initViews: [ContainerView] { pod.spec.initContainers.map { view($0, isInit: true) } }
    var mainViews: [ContainerView] { pod.spec.containers.map { view($0, isInit: false) } }
    var ephemeralViews: [ContainerView] {
        pod.spec.json["ephemeralContainers"].items.map { json in
            var view = view(Container(json), isInit: false, restartPolicy: .never)
            view.isEphemeral = true
            return view
        }
    }
    var allViews: [ContainerView] { initViews + mainViews + ephemeralViews }

    func view(
        _ spec: Container, isInit: Bool, restartPolicy: PodSpec.RestartPolicy? = nil
    ) -> ContainerView {
        let known = (sandbox ?? formerSandbox)?.containers ?? []
        let former = sandbox == nil ? [] : formerSandbox?.containers ?? []
        let attempts = (former.filter { $0.id.name == spec.name } + known.filter { $0.id.name == spec.name })
            .sorted { $0.id.attempt < $1.id.attempt }
        var current = attempts.last
        var previous = attempts.dropLast().last
        // In a new sandbox what ran in the old one is history.
        if sandbox != nil, let newest = current, !known.contains(where: { $0.id == newest.id }) {
            previous = newest
            current = nil
        }
        return ContainerView(
            spec: spec, isInit: isInit, current: current, previous: previous,
            memory: containers[spec.name] ?? ContainerMemory(), restartPolicy: restartPolicy ?? pod.spec.restartPolicy)
    }

    /// The number of the next attempt: one more than any that is known here or to the API.
    func nextAttempt(_ view: ContainerView) -> Int {
        if let newest = view.current ?? view.previous { return newest.id.attempt + 1 }
        let statuses = pod.status.containerStatuses + pod.status.initContainerStatuses
        guard let status = statuses.first(where: { $0.name == view.name }),
            !(status.json["containerID"].string ?? "").isEmpty
                || !(status.lastState.at("terminated", "containerID").string ?? "").isEmpty
        else { return 0 }
        return status.restartCount + 1
    }

    /// The pod's phase. Source: kubelet `getPhase`.
    var phase: PodStatus.Phase {
        if ending != nil { return .failed }
        if pod.isFinished { return pod.status.phase }
        let inits = initViews.filter { !$0.isSidecar }
        let mains = mainViews
        let hasMain = mains.contains { $0.current != nil || $0.previous != nil }
        if !hasMain {
            if pod.spec.restartPolicy == .never, inits.contains(where: \.failed) { return .failed }
            if inits.contains(where: { !$0.succeeded }) { return .pending }
        }
        if mains.contains(where: { $0.current == nil && $0.previous == nil }) {
            return .pending
        }
        if mains.contains(where: \.isRunning) { return .running }
        guard mains.allSatisfy({ $0.current?.phase == .exited && !$0.shouldRestart }), !mains.isEmpty else {
            return .running
        }
        return mains.allSatisfy(\.succeeded) ? .succeeded : .failed
    }

    /// Nothing of the pod will run again.
    var isFinished: Bool { phase == .succeeded || phase == .failed }
    var mustEnd: Bool { !isWanted || pod.metadata.isDeleting || isFinished }
}
