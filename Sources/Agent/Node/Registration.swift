import Glibc
import Shared
import Synchronization

/// Keeps the Node object: makes it when it is missing and reports what the machine offers and how it is.
/// Writes `status` and its own labels only.
final class Registration: Service {
    let client: Client
    let settings: AgentSettings
    let machine: Machine
    let address: String
    let port: Int
    let runtime: any Runtime
    let clock: any WallClock
    let log: Log
    private let network: Mutex<String?>

    init(
        _ client: Client, settings: AgentSettings, machine: Machine, address: String, port: Int, runtime: any Runtime,
        clock: any WallClock, log: Log
    ) {
        self.client = client
        self.settings = settings
        self.machine = machine
        self.address = address
        self.port = port
        self.runtime = runtime
        self.clock = clock
        self.log = log
        network = Mutex("the pod network is being set up")
    }

    /// What keeps the node from being ready; nil for nothing.
    func setProblem(_ problem: String?) async {
        network.withLock { $0 = problem }
        do { try await report() } catch { log.info("the node's status is written later", ("error", "\(error)")) }
    }

    /// Registers the node, waiting for the master when it is away.
    func register() async throws {
        var backoff = Backoff(first: .milliseconds(200), most: .seconds(5))
        while true {
            do { return try await report() } catch let error as CancellationError { throw error } catch {
                log.info("the node is not registered yet", ("error", "\(error)"))
                try await clock.sleep(for: backoff.next())
            }
        }
    }

    /// Reports every ten seconds what has changed, and everything every five minutes. Source: kubelet defaults.
    func run() async throws {
        while true {
            try await clock.sleep(for: .seconds(10))
            do { try await report() } catch let error as CancellationError { throw error } catch {
                log.debug("the node's status was not written", ("error", "\(error)"))
            }
        }
    }

    private func report() async throws {
        let known = try await client.found(Node.self, name: settings.name)
        var node: Node
        if let known {
            node = Node(known)
            let wanted = labels
            if !wanted.allSatisfy({ node.metadata.labels[$0.key] == $0.value }) {
                node = try await client.patch(
                    Node.self, name: settings.name, .merge, ["metadata": ["labels": JSON(wanted)]])
            }
        } else {
            node = Node(name: settings.name)
            node.metadata.labels = labels
            node.json["spec"] = [:]
            node.json["status"] = status(of: node, images: [])
            node = try await client.create(node)
        }
        let fresh = status(of: node, images: await runtime.images())
        let old = node.json["status"]
        let isStale =
            (node.condition("Ready")?.json["lastHeartbeatTime"].string.flatMap { Timestamp(rfc3339: $0) })
            .map { clock.now() - $0 > .seconds(300) } ?? true
        guard isStale || Self.comparable(fresh) != Self.comparable(old) else { return }
        _ = try await client.patch(Node.self, name: settings.name, subresource: "status", .merge, ["status": fresh])
    }

    /// Without the times of heartbeats.
    private static func comparable(_ status: JSON) -> JSON {
        var status = status
        status["conditions"] = .array(
            status["conditions"].items.map { condition in
                var condition = condition
                condition.remove("lastHeartbeatTime")
                return condition
            })
        return status
    }

    private var labels: [String: String] {
        var labels = settings.labels
        for prefix in ["kubernetes.io", "beta.kubernetes.io"] {
            labels["\(prefix)/arch"] = machine.architecture
            labels["\(prefix)/os"] = "linux"
        }
        labels["kubernetes.io/hostname"] = settings.name
        return labels
    }

    private func status(of node: Node, images: [ImageInfo]) -> JSON {
        var status = node.json["status"]
        if status.object == nil { status = [:] }
        var amounts: JSON = [
            "cpu": .string(String(machine.cpus)), "ephemeral-storage": .string("\(machine.diskBytes / 1024)Ki"),
            "memory": .string("\(machine.memoryBytes / 1024)Ki"), "pods": "110",
        ]
        for (key, value) in node.json["status"]["capacity"].members where amounts.members[key] == nil {
            amounts[key] = value
        }
        status["capacity"] = amounts
        status["allocatable"] = amounts
        status["conditions"] = .array(conditions(node).map(\.json))
        status["addresses"] = [
            ["type": "InternalIP", "address": .string(address)],
            ["type": "Hostname", "address": .string(settings.name)],
        ]
        status["daemonEndpoints"] = ["kubeletEndpoint": ["Port": JSON(port)]]
        status["nodeInfo"] = [
            "machineID": .string(machine.machineID), "systemUUID": .string(machine.machineID),
            "bootID": .string(machine.bootID), "kernelVersion": .string(machine.kernel),
            "osImage": .string(machine.system),
            "containerRuntimeVersion": .string("kotohajime://\(Version.current)"),
            "kubeletVersion": .string(Version.kubernetes), "kubeProxyVersion": "", "operatingSystem": "linux",
            "architecture": .string(machine.architecture),
        ]
        status["images"] = .array(
            images.prefix(50).map { image in
                let names = [image.reference] + (image.digest.isEmpty ? [] : [image.reference + "@" + image.digest])
                return ["names": JSON(names), "sizeBytes": JSON(Int(image.bytes))]
            })
        return status
    }

    private func conditions(_ node: Node) -> [Condition] {
        let now = clock.now()
        let old = node.conditions
        let disk = Machine.disk(settings.state)
        let isFull = disk.total > 0 && disk.free < disk.total / 20 && disk.free < 1 << 30
        let isShort = Machine.amount("MemAvailable") < 100 << 20
        let problem = network.withLock { $0 }
        var list = [
            Condition(
                "MemoryPressure", isShort,
                reason: isShort ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
                message: isShort
                    ? "kubelet has insufficient memory available" : "kubelet has sufficient memory available",
                since: now),
            Condition(
                "DiskPressure", isFull, reason: isFull ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
                message: isFull ? "kubelet has disk pressure" : "kubelet has no disk pressure", since: now),
            Condition(
                "PIDPressure", false, reason: "KubeletHasSufficientPID",
                message: "kubelet has sufficient PID available",
                since: now),
            Condition(
                "Ready", problem == nil, reason: problem == nil ? "KubeletReady" : "KubeletNotReady",
                message: problem ?? "kubelet is posting ready status", since: now),
        ]
        for index in list.indices {
            if let before = old.first(list[index].type), before.status == list[index].status {
                list[index].lastTransitionTime = before.lastTransitionTime
            }
            list[index].json["lastHeartbeatTime"] = .string(now.rfc3339)
        }
        return old.filter { known in !list.contains { $0.type == known.type } } + list
    }
}
