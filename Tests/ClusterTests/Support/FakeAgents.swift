import Shared
import Synchronization

/// The agents of all nodes of a test's cluster: they register nodes, renew leases and move pods through their phases.
///
/// The word before ":" in the image of a pod's first container says what becomes of it: `run` Running and Ready,
/// `notready` Running, `stuck` stays Pending, `fail` Failed, `done` Succeeded. A pod that is being deleted is let go.
/// A silent node does nothing of this. A class: it remembers what the machines did, whatever becomes of the master.
final class FakeAgents: Reconciler {
    private struct State {
        var alive: Set<String> = []
        var addresses = 0
        var succeeded: Set<String> = []
        var client: Client?
        var pods: Informer<Pod>?
    }
    private let state = Mutex(State())
    private let clock: any WallClock
    let queue: WorkQueue

    init(clock: any WallClock) {
        self.clock = clock
        queue = WorkQueue(clock: clock)
    }

    /// Uids of the pods that ended well on some machine.
    var succeeded: Set<String> { state.withLock { $0.succeeded } }

    /// The services with which the agents follow a master.
    func services(_ client: Client, log: Log) -> (pods: Informer<Pod>, [any Service]) {
        let pods = Informer<Pod>(client, clock: clock, log: log)
        pods.add { [queue] in queue.add($0.object.key) }
        state.withLock { state in
            state.client = client
            state.pods = pods
        }
        let loop = ControlLoop("agents", self, queue: queue, workers: 8, log: log) { await pods.waitUntilSynced() }
        return (pods, [pods, loop])
    }

    // MARK: Nodes

    /// Registers a node, or brings it back: status and lease.
    func start(_ name: String, _ client: Client) async throws {
        do {
            _ = try await client.create(Node(name: name))
        } catch let status as Status where status.reason == .alreadyExists {}
        let amounts: JSON = ["cpu": "64", "memory": "256Gi", "pods": "1000"]
        let ready = Condition("Ready", true, reason: "KubeletReady", since: clock.now())
        _ = try await client.patch(
            Node.self, name: name, subresource: "status", .strategic,
            [
                "status": [
                    "capacity": amounts, "allocatable": amounts, "conditions": [ready.json],
                    "addresses": [["type": "InternalIP", "address": "10.0.0.1"]],
                ]
            ])
        state.withLock { _ = $0.alive.insert(name) }
        try await renew(name, client)
        for pod in state.withLock({ $0.pods })?.list() ?? [] { queue.add(pod.key) }
    }

    /// The machine loses its power.
    func silence(_ names: String...) { state.withLock { $0.alive.subtract(names) } }

    /// Every living node renews its lease.
    func renewAll(_ client: Client) async throws {
        for name in state.withLock({ $0.alive.sorted() }) { try await renew(name, client) }
    }

    private func renew(_ name: String, _ client: Client) async throws {
        let spec: JSON = [
            "holderIdentity": .string(name), "leaseDurationSeconds": 8,
            "renewTime": .string(
                "\(clock.now().rfc3339.dropLast()).\(100_000 + clock.uptime().nanoseconds / 1000 % 900_000)Z"),
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

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        let (client, pods) = state.withLock { ($0.client, $0.pods) }
        guard let client, let pod = pods?.get(namespace: key.namespace, name: key.name),
            state.withLock({ $0.alive.contains(pod.spec.nodeName) })
        else { return .settled }
        do {
            if pod.metadata.isDeleting {
                try await client.delete(
                    Pod.self, namespace: pod.namespace, name: pod.name, graceSeconds: 0, uid: pod.metadata.uid)
            } else if pod.status.phase == .pending {
                try await move(pod, client)
            }
        } catch let status as Status where status.reason == .notFound || status.reason == .conflict {}
        return .settled
    }

    private func move(_ pod: Pod, _ client: Client) async throws {
        let word = pod.spec.containers.first?.image.prefix { $0 != ":" } ?? "run"
        var status: JSON = ["startTime": .string(clock.now().rfc3339)]
        switch word {
        case "stuck": return
        case "done", "fail":
            status["phase"] = word == "done" ? "Succeeded" : "Failed"
            status["conditions"] = [Condition("Ready", false, since: clock.now()).json]
        default:
            let number = state.withLock { state in
                state.addresses += 1
                return state.addresses
            }
            let address = "10.244.\(number / 250 % 250).\(number % 250 + 1)"
            status["phase"] = "Running"
            status["podIP"] = .string(address)
            status["podIPs"] = [["ip": .string(address)]]
            status["conditions"] = [Condition("Ready", word == "run", since: clock.now()).json]
        }
        _ = try await client.patch(
            Pod.self, namespace: pod.namespace, name: pod.name, subresource: "status", .strategic,
            ["metadata": ["uid": .string(pod.metadata.uid)], "status": status])
        if word == "done" { state.withLock { _ = $0.succeeded.insert(pod.metadata.uid) } }
    }
}
