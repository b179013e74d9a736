import Glibc
import Shared

extension LocalCluster {
    /// Which machines run: started by `up` or `node start`, and not killed since.
    var runningMachines: [ClusterRecord.Machine] { record.machines.filter { agent($0) != nil } }

    /// Starts what is missing and waits until every machine is ready.
    mutating func start() async throws {
        let begin = clock.uptime()
        for folder in [runFolder, logFolder, record.state + "/nodes"] { try SystemFiles.makeFolder(folder, mode: 0o700) }
        if record.runtime == .linux {
            let changed = try NodeNetworks(record: record).makeBridge()
            record.formerSettings.merge(changed) { former, _ in former }
        }
        try save()
        if let master {
            progress(begin, "master runs already (process \(master.id))")
        } else {
            try await startMaster()
            progress(begin, "master serves https://127.0.0.1:\(record.port)")
        }
        shareWithCaller()
        for machine in record.machines where agent(machine) == nil {
            try await startNode(machine)
            progress(begin, "\(machine.name) started at \(machine.address)")
        }
        if record.runtime == .linux { try NodeNetworks(record: record).writeRules(running: runningMachines) }
        try await waitUntilReady(begin)
        shareWithCaller()
    }

    private func progress(_ begin: Duration, _ text: String) {
        say("\(LocalCluster.seconds(clock.uptime() - begin))  \(text)")
    }

    /// ` 0.3s`, right-aligned.
    static func seconds(_ duration: Duration) -> String {
        let tenths = Int((duration.inSeconds * 10).rounded())
        let text = "\(tenths / 10).\(tenths % 10)s"
        return String(repeating: " ", count: max(0, 6 - text.count)) + text
    }

    private func startMaster() async throws {
        let log = logFile("kmaster")
        let process = try RunningProcess.start(
            try places.program("kmaster"), record.masterArguments, log: log, file: processFile("kmaster"),
            environment: programEnvironment)
        if record.runtime == .linux { NodeCgroups.current().add(process.id, to: "master") }
        let deadline = clock.uptime() + .seconds(Limits.localStartSeconds)
        while clock.uptime() < deadline {
            guard process.isAlive else { throw Failure("The master has ended: \(lastWords(log)) (\(log))") }
            if let client = try? await client(), (try? await isServing(client)) == true { return }
            try await clock.sleep(for: .milliseconds(40))
        }
        throw Failure("The master does not serve after \(Limits.localStartSeconds) s; see \(log).")
    }

    private func isServing(_ client: Client) async throws -> Bool {
        try await client.transport.send(client.request("GET", "/readyz")).status == 200
    }

    /// Starts the agent of a machine that does not run; what an earlier life left is removed first.
    func startNode(_ machine: ClusterRecord.Machine) async throws {
        let environment = programEnvironment
        let program = try places.program("kagent")
        let log = logFile(machine.name), file = processFile(machine.name)
        try SystemFiles.makeFolder(record.folder(of: machine), mode: 0o700)
        guard record.runtime == .linux else {
            _ = try RunningProcess.start(
                program, record.agentArguments(machine), log: log, file: file, environment: environment)
            return
        }
        try NodeNetworks(record: record).make(machine)
        let process = try NodeNetworks.namespace(machine).run {
            try RunningProcess.start(
                program, record.agentArguments(machine), log: log, file: file, environment: environment)
        }
        NodeCgroups.current().add(process.id, to: machine.name)
    }

    /// What the programs get to know of the caller's environment.
    private var programEnvironment: [String: String] {
        var kept = places.environment.filter { name, _ in
            ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"].contains(name)
                || name.hasPrefix("LC_")
        }
        if places.isRoot { kept["HOME"] = "/root" }
        return kept
    }

    /// Waits for the Ready condition of every machine of the record.
    private func waitUntilReady(_ begin: Duration) async throws {
        let client = try await client()
        let deadline = clock.uptime() + .seconds(Limits.localReadySeconds)
        var waiting = Set(record.machines.map(\.name))
        while true {
            let nodes = (try? await client.list(Node.self))?.items ?? []
            for node in nodes where node.isReady && waiting.remove(node.name) != nil {
                progress(begin, "\(node.name) is ready")
            }
            if waiting.isEmpty { return }
            for machine in record.machines where waiting.contains(machine.name) && agent(machine) == nil {
                let log = logFile(machine.name)
                throw Failure("The agent of \(machine.name) has ended: \(lastWords(log)) (\(log))")
            }
            guard clock.uptime() < deadline else {
                let list = waiting.sorted().joined(separator: ", ")
                throw Failure("After \(Limits.localReadySeconds) s not ready: \(list); see \(logFolder).")
            }
            try await clock.sleep(for: .milliseconds(50))
        }
    }

    /// The last line of a log.
    func lastWords(_ log: String) -> String {
        guard let text = SystemFiles.text(log)?.suffix(Limits.logTailBytes) else { return "it left no log" }
        return text.split(separator: "\n").last.map(String.init) ?? "it said nothing"
    }
}
