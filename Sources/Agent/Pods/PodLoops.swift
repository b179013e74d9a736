import Shared
import Synchronization

/// The loops of all pods of this node: follows the API and the runtime, and gives every pod its turns. A class: it
/// owns the loops.
final class PodLoops: Service, Reconciler {
    private struct State {
        var loops: [String: PodLoop] = [:]
        var isOpen = false
    }
    private let pods: Informer<Pod>
    let tools: PodTools
    private let queue: WorkQueue
    private let state = Mutex(State())

    init(_ pods: Informer<Pod>, tools: PodTools) {
        self.pods = pods
        self.tools = tools
        queue = WorkQueue(clock: tools.clock, backoff: Backoff(first: .milliseconds(50), most: .seconds(5)))
    }

    /// The pods that are known here, with all that is known about them.
    var snapshots: [PodState] { state.withLock { Array($0.loops.values) }.map(\.snapshot) }
    func find(namespace: String, name: String) -> PodState? {
        snapshots.first { $0.pod.namespace == namespace && $0.pod.name == name && $0.isWanted }
    }
    /// Turns that are being given or wait; 0: idle but for timers.
    var depth: Int { queue.depth }

    func run() async throws {
        await pods.waitUntilSynced()
        try Task.checkCancellation()
        let events = tools.runtime.events()
        await adopt()
        pods.add { [self] change in receive(change) }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { [self] in
                for await event in events { receive(event) }
                throw CancellationError()
            }
            group.addTask { [self] in
                try await ControlLoop(
                    "pods", self, queue: queue, workers: Limits.podWorkers, log: tools.log
                ).run()
            }
        }
    }

    /// Takes over what runs, and ends what nobody wants any more.
    private func adopt() async {
        var found: [String: SandboxState] = [:]
        for sandbox in await tools.runtime.sandboxes() { found[sandbox.uid] = sandbox }
        for pod in pods.list() {
            let uid = pod.metadata.uid
            if let sandbox = found.removeValue(forKey: uid) {
                tools.log.info("a running pod is taken over", ("pod", pod.key.path), ("alive", sandbox.isAlive))
                add(pod, sandbox)
            }
        }
        for (uid, sandbox) in found {
            tools.log.info(
                "a pod that was deleted meanwhile is removed", ("pod", "\(sandbox.namespace)/\(sandbox.name)"))
            var pod = Pod(name: sandbox.name, namespace: sandbox.namespace)
            pod.metadata.uid = uid
            add(pod, sandbox)?.abandon()
        }
        let known = state.withLock { Set($0.loops.keys) }.union(pods.list().map(\.metadata.uid))
        for uid in tools.volumes.owners() where !known.contains(uid) { tools.volumes.remove(uid) }
        for name in Files.names(tools.logFolder) {
            guard let uid = name.split(separator: "_").last, !known.contains(String(uid)) else { continue }
            Files.removeAll(tools.logFolder + "/" + name)
        }
    }

    @discardableResult
    private func add(_ pod: Pod, _ sandbox: SandboxState?) -> PodLoop? {
        let uid = pod.metadata.uid
        guard ShimRuntime.isSafeName(uid) else { return nil }
        let key = ObjectKey(Pod.type.resource, name: uid)
        let loop = PodLoop(pod, sandbox: sandbox, tools: tools) { [queue] in queue.add(key) }
        let kept = state.withLock { state -> PodLoop in
            if let known = state.loops[uid] { return known }
            state.loops[uid] = loop
            return loop
        }
        queue.add(key)
        return kept
    }

    private func receive(_ change: Informer<Pod>.Change) {
        switch change {
        case .added(let pod): update(pod)
        case .updated(let old, let new):
            if old.metadata.uid != new.metadata.uid { loop(old.metadata.uid)?.abandon() }
            update(new)
        case .removed(let pod): loop(pod.metadata.uid)?.abandon()
        }
    }

    private func update(_ pod: Pod) {
        if let loop = loop(pod.metadata.uid) { loop.update(pod) } else { add(pod, nil) }
    }

    private func receive(_ event: RuntimeEvent) {
        let uid =
            switch event {
            case .started(let container), .exited(let container): container.id.sandbox
            case .sandboxLost(let uid): uid
            }
        loop(uid)?.receive(event)
    }

    private func loop(_ uid: String) -> PodLoop? { state.withLock { $0.loops[uid] } }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let loop = loop(key.name) else { return .settled }
        let (next, isOver) = try await loop.turn()
        if isOver {
            state.withLock { _ = $0.loops.removeValue(forKey: key.name) }
            return .settled
        }
        guard let next else { return .settled }
        return .again(after: max(.milliseconds(1), next - tools.clock.now()))
    }
}
