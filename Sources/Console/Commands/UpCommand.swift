import Glibc
import Shared

/// `kconsole up`: a cluster on this machine.
enum UpCommand {
    static let verb = Verb(
        "up", "Start a cluster on this machine, or what of it is missing.", isRemote: false,
        flags: [
            .init("nodes", .one("N"), help: "how many nodes (default: as before, 3 at first)"),
            .init("state", .one("DIR"), help: "where the cluster is kept (default /var/lib/kotohajime, or your XDG state folder)"),
            .init("detach", help: "return when the cluster is ready instead of opening the console"),
            .init("demo", help: "apply the demo to it"),
            .init("runtime", .one("KIND"), choices: ["linux", "process"], help: "containers in namespaces (needs root) or plain processes (default: what works)"),
        ],
        notes: "As root every node is a machine of its own: a network namespace with an address, a cgroup, containers.\n"
            + "Without root nodes and pods are processes. Objects outlive down and a reboot.",
        run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let begin = call.clock.uptime()
        let wanted = try call.arguments.int("nodes", in: 1...Limits.localNodesMax)
        let runtime = try call.arguments["runtime"].map { text throws(UsageError) -> ClusterRecord.Runtime in
            guard let runtime = ClusterRecord.Runtime(rawValue: text) else {
                throw call.usage("--runtime takes linux or process, not \"\(text)\"")
            }
            return runtime
        }
        let state = absolute(call.arguments["state"] ?? call.places.running?.state ?? call.places.state)
        var cluster = try prepare(call, state: state, runtime: runtime)
        let former = cluster.record.machines
        if let wanted { cluster.record.resize(to: wanted) } else if former.isEmpty { cluster.record.resize(to: 3) }
        try await cluster.start()
        for machine in former.dropFirst(cluster.record.machines.count) {
            try await cluster.killNode(machine)
            _ = try? await cluster.client().delete(Node.self, name: machine.name)
            call.out("removed \(machine.name)")
        }
        if call.arguments.has("demo") { try await Demo.apply(cluster, call) }
        let took = LocalCluster.seconds(call.clock.uptime() - begin).trimmingSpaces
        call.out("")
        call.out("\(cluster.record.machines.count == 1 ? "1 node is" : "\(cluster.record.machines.count) nodes are") ready after \(took). Next:")
        for line in next(cluster, call) { call.out("  \(line)") }
        if call.arguments.has("detach") || isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0 { return 0 }
        return try await ConsoleLaunch.open(Arguments(), places: call.places, clock: call.clock)
    }

    private static func next(_ cluster: LocalCluster, _ call: Invocation) -> [String] {
        let kubeconfig = cluster.record.kubeconfig
        let sudo = call.places.caller == nil ? "" : "sudo "
        return [
            "kconsole                      watch and steer it", "kconsole get pods -A          list what runs",
            "kubectl --kubeconfig \(kubeconfig) get nodes",
            "\(sudo)kconsole node kill node-2     see what a lost machine does",
            "\(sudo)kconsole down                 end it; its objects are kept",
        ]
    }

    /// The cluster of the state folder: the one that is recorded there, or a new one.
    private static func prepare(_ call: Invocation, state: String, runtime: ClusterRecord.Runtime?) throws -> LocalCluster {
        let say: @Sendable (String) -> Void = { StandardStreams.out($0) }
        let recorded = ClusterRecord.read(state + "/cluster.json")
        if let running = call.places.running, running.state != state {
            let other = LocalCluster(record: running, places: call.places, clock: call.clock, say: say)
            if other.master != nil || !other.runningMachines.isEmpty {
                throw Failure("A cluster runs already with its state in \(running.state); end it with kconsole down first.")
            }
        }
        if var record = recorded {
            if let runtime, runtime != record.runtime {
                throw Failure(
                    "The cluster in \(state) has nodes of the kind \(record.runtime.rawValue); start it without --runtime, "
                        + "choose another --state, or remove it with kconsole down --purge.")
            }
            if record.runtime == .linux, !call.places.isRoot {
                throw Failure("The cluster in \(state) belongs to root; start it with sudo kconsole up.")
            }
            record.state = state
            let cluster = LocalCluster(record: record, places: call.places, clock: call.clock, say: say)
            if cluster.master == nil { record.port = try freePort(record.port, say) }
            return LocalCluster(record: record, places: call.places, clock: call.clock, say: say)
        }
        let chosen = try choose(runtime, call)
        let routes = chosen == .linux ? try NodeNetworks.routes() : []
        let port = try freePort(6443, say)
        let record = try AddressPlan.record(state: state, runtime: chosen, routes: routes, port: port)
        if chosen == .linux, let usual = AddressPlan.machineBlocks.first, record.network != usual {
            say("This machine routes \(usual) already, so nodes get addresses of \(record.network).")
        }
        return LocalCluster(record: record, places: call.places, clock: call.clock, say: say)
    }

    /// Namespaces where they work, processes elsewhere; says so in one sentence.
    private static func choose(_ wanted: ClusterRecord.Runtime?, _ call: Invocation) throws -> ClusterRecord.Runtime {
        if wanted == .process { return .process }
        let obstacle: String
        if call.places.isRoot {
            do {
                try NodeNetworks.attempt()
                return .linux
            } catch { obstacle = "\(error)" }
        } else {
            obstacle = "That needs root (sudo kconsole up)."
        }
        if wanted == .linux { throw Failure("Nodes can not have networks of their own here. \(obstacle)") }
        call.out("Nodes and pods run as plain processes that share this machine's network: no namespaces. \(obstacle)")
        return .process
    }

    /// The port, or a free one with a sentence when somebody listens there.
    private static func freePort(_ port: Int, _ say: (String) -> Void) throws -> Int {
        do {
            let listener = try Listener.tcp(host: "127.0.0.1", port: port)
            listener.close()
            return port
        } catch let error as NetError {
            let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
            defer { listener.close() }
            say("Port \(port) is in use (\(error.description)), so the master listens on port \(listener.port).")
            return listener.port
        }
    }

    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }
}
