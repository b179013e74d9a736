import Shared

/// The one thing to do next to a pod.
enum PodStep: Equatable, Sendable {
    /// Nothing before that time, or before something happens.
    case wait(until: Timestamp?)
    case mountVolumes
    case createSandbox
    case attach
    case pull(container: String)
    case start(container: String, attempt: Int)
    /// The running container gets the limits of its changed specification.
    case resize(container: String, ResourceLimits)
    /// The container gets its preStop hook, its stop signal, and SIGKILL at the deadline.
    case stop(container: String, deadline: Timestamp)
    /// A former attempt of which nothing is needed any more.
    case forget(ContainerID)
    /// The sandbox is dead or no longer needed; its containers have ended.
    case removeSandbox
    /// Gives address and volumes back.
    case cleanUp
    /// Tells the API that nothing of the pod is left.
    case confirm
    /// The pod is history.
    case end
}

/// The agent's one decision: what to do next to one pod. Pure; `PodLoop` performs it and observes again.
func nextStep(_ state: PodState, now: Timestamp) -> PodStep {
    if state.mustEnd || state.isConfirmed { return endingStep(state, now: now) }
    var wake = EarliestTime()
    if let retry = state.preparation, retry.at > now { return .wait(until: retry.at) }
    if !state.hasVolumes { return .mountVolumes }
    guard let sandbox = state.sandbox else { return .createSandbox }
    guard sandbox.isAlive else { return .removeSandbox }
    if state.address == nil && !state.pod.spec.hostNetwork { return .attach }
    if let deadline = state.deadline { wake.add(deadline) }

    let inits = state.initViews
    let mains = state.mainViews
    for view in inits + mains {
        if let step = restartStep(view, state, now: now) ?? resizeStep(view) { return step }
        if let id = superseded(view, sandbox) { return .forget(id) }
    }
    for view in state.ephemeralViews where view.previous == nil {
        if let step = runStep(view, state, now: now, wake: &wake) { return step }
    }
    // A main container that has started shows that initialization is over.
    let isInitialized = mains.contains { $0.current != nil }
    for view in inits where !(isInitialized && !view.isSidecar) {
        if let step = runStep(view, state, now: now, wake: &wake) { return step }
        let isDone = view.isSidecar ? view.isRunning && view.memory.isStarted : view.succeeded
        if !isDone && !isInitialized { return .wait(until: wake.time) }
    }
    for view in mains {
        if let step = runStep(view, state, now: now, wake: &wake) { return step }
    }
    return .wait(until: wake.time)
}

/// Starts what should run and does not.
private func runStep(_ view: ContainerView, _ state: PodState, now: Timestamp, wake: inout EarliestTime) -> PodStep? {
    guard !view.isRunning else { return nil }
    if view.current != nil {
        guard view.shouldRestart else { return nil }
        let ready = view.restartTime(now: now)
        guard ready <= now else {
            wake.add(ready)
            return nil
        }
    }
    guard !view.memory.isPulling else { return nil }
    for retry in [view.memory.create, view.memory.pull].compactMap({ $0 }) where retry.at > now {
        wake.add(retry.at)
        return nil
    }
    if view.memory.image == nil { return .pull(container: view.name) }
    return .start(container: view.name, attempt: state.nextAttempt(view))
}

/// Ends a container that has to start again.
private func restartStep(_ view: ContainerView, _ state: PodState, now: Timestamp) -> PodStep? {
    guard view.isRunning, view.memory.restartReason != nil, view.memory.stop == nil else { return nil }
    let probe = view.spec.json["livenessProbe"]["terminationGracePeriodSeconds"].int
    return .stop(container: view.name, deadline: now + .seconds(probe ?? state.pod.spec.graceSeconds))
}

/// Gives a running container other limits. Source: KEP-1287.
private func resizeStep(_ view: ContainerView) -> PodStep? {
    guard view.isRunning, view.memory.stop == nil, let now = view.memory.limits else { return nil }
    let wanted = ContainerPlan.limits(view.spec)
    return wanted == now ? nil : .resize(container: view.name, wanted)
}

/// Only the newest attempt and the one before it are kept.
private func superseded(_ view: ContainerView, _ sandbox: SandboxState) -> ContainerID? {
    let attempts = sandbox.containers.filter { $0.id.name == view.name }.map(\.id).sorted { $0.attempt < $1.attempt }
    return attempts.count > 2 ? attempts.first : nil
}

/// The way out: containers, sandbox, address and volumes, the API.
private func endingStep(_ state: PodState, now: Timestamp) -> PodStep {
    let running = state.allViews.filter(\.isRunning)
    if !running.isEmpty {
        let deadline = state.endDeadline(now: now)
        // Sidecars serve the others until these have ended. Source: KEP-753.
        let others = running.filter { !$0.isSidecar }
        let next = deadline <= now ? running : others.isEmpty ? running : others
        for view in next {
            guard let stop = view.memory.stop, stop.attempt == view.current?.id.attempt else {
                return .stop(container: view.name, deadline: deadline)
            }
            if deadline + .milliseconds(500) < stop.deadline {
                return .stop(container: view.name, deadline: deadline)
            }
        }
        return .wait(until: nil)
    }
    if state.running > 0 { return .wait(until: nil) }
    if state.sandbox != nil { return .removeSandbox }
    if state.hasVolumes || state.address != nil { return .cleanUp }
    if state.isWanted, state.pod.metadata.isDeleting, !state.isConfirmed { return .confirm }
    return state.isWanted ? .wait(until: nil) : .end
}

/// The smallest of some times.
struct EarliestTime: Sendable {
    private(set) var time: Timestamp?
    mutating func add(_ other: Timestamp?) {
        guard let other else { return }
        time = time.map { min($0, other) } ?? other
    }
}

extension PodState {
    /// When the pod has been active for too long (`activeDeadlineSeconds`).
    var deadline: Timestamp? {
        guard let seconds = pod.spec.json["activeDeadlineSeconds"].int, let startTime else { return nil }
        return startTime + .seconds(seconds)
    }

    /// When the containers of an ending pod are killed.
    func endDeadline(now: Timestamp) -> Timestamp {
        // A pod that vanished from the API was deleted by force.
        guard isWanted else { return now }
        if let seconds = pod.metadata.deletionGracePeriodSeconds {
            // The API's timestamp has the grace in it already, in whole seconds; the wait begins when the agent sees it.
            return endingSince(now: now) + .seconds(seconds)
        }
        return endingSince(now: now) + .seconds(pod.spec.graceSeconds)
    }

    /// The first stop that was ordered tells when the end began.
    private func endingSince(now: Timestamp) -> Timestamp { endStart ?? now }
}
