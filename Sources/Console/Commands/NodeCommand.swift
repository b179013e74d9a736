import Glibc
import Shared

/// `kconsole node kill|start|list`: the machines of the local cluster.
enum NodeCommand {
    static let verb = Verb(
        "node", "Kill, start or list the machines of the cluster on this machine.", operands: "kill|start|list [NAME]",
        isRemote: false,
        notes: "kill ends a machine as a power cut does: agent, pods and network. start switches it on again.",
        actions: ["kill", "start", "list"], completes: .machines, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard let record = call.places.running else {
            throw Failure("No cluster runs on this machine; start one with kconsole up.")
        }
        let cluster = LocalCluster(
            record: record, places: call.places, clock: call.clock, say: { StandardStreams.out($0) })
        switch call.operands.first {
        case "list" where call.operands.count == 1:
            var table = TextTable(header: ["NAME", "ADDRESS", "STATE", "PROCESS"])
            for machine in record.machines {
                let agent = cluster.agent(machine)
                table.add([
                    machine.name, "\(machine.address)", agent == nil ? "off" : "on", agent.map { "\($0.id)" } ?? "-",
                ])
            }
            call.write(table.text)
            return 0
        case "kill" where call.operands.count == 2: try await kill(try machine(call, cluster), cluster, call)
        case "start" where call.operands.count == 2: try await start(try machine(call, cluster), cluster, call)
        default: throw call.usage("node takes kill NAME, start NAME or list")
        }
        return 0
    }

    private static func machine(_ call: Invocation, _ cluster: LocalCluster) throws -> ClusterRecord.Machine {
        let name = call.operands[1]
        guard let machine = cluster.record.machine(name) else {
            throw Failure(
                "There is no machine \"\(name)\"; known are \(cluster.record.machines.map(\.name).joined(separator: ", "))."
            )
        }
        if cluster.record.runtime == .linux, !call.places.isRoot {
            throw Failure("The cluster belongs to root; use sudo kconsole node \(call.operands[0]) \(name).")
        }
        return machine
    }

    private static func kill(_ machine: ClusterRecord.Machine, _ cluster: LocalCluster, _ call: Invocation) async throws
    {
        let begin = call.clock.uptime()
        try await end(machine, cluster)
        let took = LocalCluster.seconds(call.clock.uptime() - begin).trimmingSpaces
        call.out("\(machine.name) is off after \(took); kconsole node start \(machine.name) switches it on again.")
    }

    /// Ends the machine, stops sending node ports to it and tells the cluster that it will not come back by itself.
    static func end(_ machine: ClusterRecord.Machine, _ cluster: LocalCluster) async throws {
        try await cluster.killNode(machine)
        if cluster.record.runtime == .linux {
            try NodeNetworks(record: cluster.record).writeRules(running: cluster.runningMachines)
        }
        try await setOutOfService(machine.name, true, try await cluster.client())
    }

    private static func start(_ machine: ClusterRecord.Machine, _ cluster: LocalCluster, _ call: Invocation)
        async throws
    {
        guard cluster.agent(machine) == nil else {
            call.out("\(machine.name) is on.")
            return
        }
        let begin = call.clock.uptime()
        try await cluster.startNode(machine)
        if cluster.record.runtime == .linux {
            try NodeNetworks(record: cluster.record).writeRules(running: cluster.runningMachines)
        }
        let client = try await cluster.client()
        try await setOutOfService(machine.name, false, client)
        let deadline = call.clock.uptime() + .seconds(Limits.localReadySeconds)
        // The old status says Ready until the master has noticed: only a heartbeat from after the start counts.
        let from = call.clock.now() - .seconds(1)
        while call.clock.uptime() < deadline {
            guard cluster.agent(machine) != nil else {
                let log = cluster.logFile(machine.name)
                throw Failure("The agent of \(machine.name) has ended: \(cluster.lastWords(log)) (\(log))")
            }
            let node = try? await client.get(Node.self, name: machine.name)
            let lease = try? await client.get(Lease.self, namespace: Lease.nodeNamespace, name: machine.name)
            if let node, node.isReady, let renewed = lease?.renewTime, renewed > from {
                let took = LocalCluster.seconds(call.clock.uptime() - begin).trimmingSpaces
                call.out("\(machine.name) is ready after \(took).")
                return
            }
            try await call.clock.sleep(for: .milliseconds(100))
        }
        throw Failure(
            "\(machine.name) is not ready after \(Limits.localReadySeconds) s; see \(cluster.logFile(machine.name)).")
    }

    /// Adds or removes the taint; repeats when somebody else has changed the node meanwhile.
    static func setOutOfService(_ name: String, _ isOut: Bool, _ client: Client) async throws {
        for attempt in 0... {
            do {
                var node = try await client.get(Node.self, name: name)
                var taints = node.json.at("spec", "taints").items.filter { $0["key"].string != NodeTaint.outOfService }
                if isOut {
                    taints.append([
                        "key": .string(NodeTaint.outOfService), "value": "nodeshutdown", "effect": "NoExecute",
                    ])
                }
                if taints == node.json.at("spec", "taints").items { return }
                var spec = node.json["spec"]
                spec.set("taints", taints.isEmpty ? nil : .array(taints))
                node.json["spec"] = spec
                _ = try await client.update(node)
                return
            } catch let status as Status where status.reason == .notFound {
                return
            } catch let status as Status where status.reason == .conflict && attempt < 20 {
                continue
            }
        }
    }
}
