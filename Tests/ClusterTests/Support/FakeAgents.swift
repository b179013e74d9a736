import Shared
import Synchronization

/// The agents of all nodes of a test's cluster: they register nodes, renew leases and move pods through their phases.
///
/// The word before ":" in the image of a pod's first container says what becomes of it: `run` Running and Ready,
/// `notready` Running, `noip` Ready without an address, `stuck` stays Pending, `fail` Failed, `done` Succeeded. A pod
/// that is being deleted is let go. A silent node does nothing of this. Not automatic, the agents act on `tick` only.
/// A class: it remembers what the machines did, whatever becomes of the master.
final class FakeAgents: Reconciler {
    private struct State {
        var alive: Set<String> = []
        /// Without power at least once.
        var silenced: Set<String> = []
        /// Alive, but cut off from the master: no lease is renewed.
        var muted: Set<String> = []
        var isAutomatic = true
        var addresses = 0
        var succeeded: Set<String> = []
        var client: Client?
        var pods: Informer<Pod>?
        /// A new one for each master: queues stay closed once their loop has ended.
        var queue: WorkQueue
    }
    private let state: Mutex<State>
    private let clock: any WallClock

    init(clock: any WallClock) {
        self.clock = clock
        state = Mutex(State(queue: WorkQueue(clock: clock)))
    }

    /// The pods that the agents are about to look at.
    var queue: WorkQueue { state.withLock { $0.queue } }

    /// Uids of the pods that ended well on some machine.
    var succeeded: Set<String> { state.withLock { $0.succeeded } }

    /// The services with which the agents follow a master.
    func services(_ client: Client, log: Log) -> (pods: Informer<Pod>, [any Service]) {
        let pods = Informer<Pod>(client, clock: clock, log: log)
        let queue = WorkQueue(clock: clock)
        pods.add { [queue] in queue.add($0.object.key) }
        state.withLock { state in
            state.client = client
            state.pods = pods
            state.queue = queue
        }
        let loop = ControlLoop("agents", self, queue: queue, workers: 8, log: log) { await pods.waitUntilSynced() }
        return (pods, [pods, loop])
    }

    // MARK: Nodes

    /// What a node offers and how it is marked.
    struct Shape {
        var labels: [String: String] = [:]
        var taints: [JSON] = []
        var amounts: JSON = ["cpu": "64", "memory": "256Gi", "pods": "1000"]
    }

    /// Registers a node, or brings it back: status and lease.
    func start(_ name: String, _ client: Client, _ shape: Shape = Shape()) async throws {
        var node = Node(name: name)
        node.metadata.labels = shape.labels.isEmpty ? ["kubernetes.io/hostname": name] : shape.labels
        if !shape.taints.isEmpty { node.json["spec"] = ["taints": .array(shape.taints)] }
        do {
            _ = try await client.create(node)
        } catch let status as Status where status.reason == .alreadyExists {}
        let ready = Condition("Ready", true, reason: "KubeletReady", since: clock.now())
        _ = try await client.patch(
            Node.self, name: name, subresource: "status", .strategic,
            [
                "status": [
                    "capacity": shape.amounts, "allocatable": shape.amounts, "conditions": [ready.json],
                    "addresses": [["type": "InternalIP", "address": "10.0.0.1"]],
                ]
            ])
        state.withLock { state in
            state.alive.insert(name)
            state.muted.remove(name)
        }
        try await renew(name, client)
        for pod in state.withLock({ $0.pods })?.list() ?? [] { queue.add(pod.key) }
    }

    /// The machine loses its power.
    func silence(_ names: String...) {
        state.withLock { state in
            state.alive.subtract(names)
            state.silenced.formUnion(names)
        }
    }

    /// The node goes on with its pods and is not heard of.
    func mute(_ name: String) { state.withLock { _ = $0.muted.insert(name) } }

    /// Every living node renews its lease.
    func renewAll(_ client: Client) async throws {
        for name in state.withLock({ $0.alive.subtracting($0.muted).sorted() }) { try await renew(name, client) }
    }

    private func renew(_ name: String, _ client: Client) async throws {
        let spec: JSON = [
            "holderIdentity": .string(name), "leaseDurationSeconds": 8,
            "renewTime": .string(clock.now().rfc3339Micro),
        ]
        do {
            _ = try await client.patch(
                Lease.self, namespace: Lease.nodeNamespace, name: name, .merge, ["spec": spec])
        } catch let status as Status where status.reason == .notFound {
            var lease = Lease(name: name, namespace: Lease.nodeNamespace)
            lease.json["spec"] = spec
            _ = try await client.create(lease)
        }
    }

    // MARK: Pods

    private func wasSilent(_ node: String) -> Bool { state.withLock { $0.isAutomatic && $0.silenced.contains(node) } }

    /// Whether the agents act at once; else they wait for `tick`.
    func setAutomatic(_ isAutomatic: Bool) {
        state.withLock { $0.isAutomatic = isAutomatic }
        guard isAutomatic else { return }
        for pod in state.withLock({ $0.pods })?.list() ?? [] { queue.add(pod.key) }
    }

    /// Treats every pod that is there once, those that are being deleted first.
    func tick() async throws {
        let (client, pods) = state.withLock { ($0.client, $0.pods) }
        guard let client, let all = pods?.list() else { return }
        let order = all.sorted { ($0.metadata.isDeleting ? 0 : 1, $0.key) < ($1.metadata.isDeleting ? 0 : 1, $1.key) }
        for pod in order where !pod.spec.nodeName.isEmpty { try await treat(pod, client) }
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        let (client, pods) = state.withLock { ($0.client, $0.pods) }
        guard let client, let pod = pods?.get(namespace: key.namespace, name: key.name),
            state.withLock({ $0.isAutomatic && $0.alive.contains(pod.spec.nodeName) })
        else { return .settled }
        try await treat(pod, client)
        return .settled
    }

    private func treat(_ pod: Pod, _ client: Client) async throws {
        do {
            if pod.metadata.isDeleting {
                try await client.delete(
                    Pod.self, namespace: pod.namespace, name: pod.name, graceSeconds: 0, uid: pod.metadata.uid)
                return
            }
            let word = String(pod.spec.containers.first?.image.prefix { $0 != ":" } ?? "run")
            guard let state = PodState(rawValue: word), state != .stuck else { return }
            // A pod that runs on is ready again, whatever the master has said of it while its node was silent.
            let isDoubted =
                wasSilent(pod.spec.nodeName) && state == .running && pod.status.phase == .running && !pod.isReady
            if pod.status.phase == .pending || isDoubted { try await move(pod, to: state, client) }
        } catch let status as Status where status.reason == .notFound || status.reason == .conflict {}
    }

    /// What an agent may report of a pod; the words of images are the raw values.
    enum PodState: String {
        case running = "run"
        case unready = "notready"
        case addressless = "noip"
        case stuck
        case failed = "fail"
        case succeeded = "done"
        /// Pending, with an address already.
        case addressed
    }

    /// Reports the state of a pod.
    /// - Parameter since: when it came about.
    func move(_ pod: Pod, to target: PodState, _ client: Client, since: Timestamp? = nil) async throws {
        let since = since ?? clock.now()
        var status: JSON = ["startTime": .string(since.rfc3339)]
        status["conditions"] = [
            Condition("Ready", target == .running || target == .addressless, since: since).json
        ]
        switch target {
        case .stuck: return
        case .succeeded, .failed:
            status["phase"] = target == .succeeded ? "Succeeded" : "Failed"
            status["containerStatuses"] = FakeAgents.ended(pod, code: target == .succeeded ? 0 : 1, at: since)
        case .addressed: status["phase"] = "Pending"
        default: status["phase"] = "Running"
        }
        if [.running, .unready, .addressed].contains(target), pod.status.podIP.isEmpty {
            let number = state.withLock { state in
                state.addresses += 1
                return state.addresses
            }
            let address = "10.244.\(number / 250 % 250).\(number % 250 + 1)"
            status["podIP"] = .string(address)
            status["podIPs"] = [["ip": .string(address)]]
        }
        _ = try await client.patch(
            Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
            ["metadata": ["uid": .string(pod.metadata.uid)], "status": status])
        if target == .succeeded { state.withLock { _ = $0.succeeded.insert(pod.metadata.uid) } }
    }

    private static func ended(_ pod: Pod, code: Int, at time: Timestamp) -> JSON {
        .array(
            pod.spec.containers.map { container in
                [
                    "name": .string(container.name), "image": .string(container.image), "imageID": "", "ready": false,
                    "restartCount": 0,
                    "state": [
                        "terminated": [
                            "exitCode": JSON(code), "reason": code == 0 ? "Completed" : "Error",
                            "startedAt": .string(time.rfc3339), "finishedAt": .string(time.rfc3339),
                        ]
                    ],
                ]
            })
    }
}
