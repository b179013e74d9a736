import Shared

/// Opens the console on the cluster that the flags choose.
enum ConsoleLaunch {
    static func open(_ arguments: Arguments, places: Places, clock: any WallClock) async throws -> Int32 {
        let session = try await Session.open(arguments, places: places, clock: clock)
        var source = ClusterSource(session.client, name: session.contextName, server: session.server)
        source.parseManifest = { try YAML.parse($0).filter { !$0.isEmpty }.map(\.value) }
        source.printManifest = { YAML.emit($0) }
        source.shell = { namespace, pod, container in
            let place = Session(
                client: session.client, namespace: namespace, contextName: session.contextName, server: session.server)
            // What a person expects of a shell: the nicest that is there, with a prompt that tells where one is.
            let program = [
                "/bin/sh", "-c", "TERM=${TERM:-xterm}; export TERM; command -v bash >/dev/null && exec bash || exec sh",
            ]
            StandardStreams.out(
                "Shell in \(namespace)/\(pod), container \(container). exit or ctrl-d goes back to the console.")
            let code = try await ExecSession(
                place, pod: pod, container: container, program: program, hasInput: true, isTTY: true
            ).run()
            if code == 126 || code == 127 {
                throw Failure("the image of container \(container) has no shell (exit \(code))")
            }
        }
        source.noting = { group, body in try await Ledger.$group.withValue(group) { try await body() } }
        source.undo = {
            try await UndoCommand.plan(session.client, server: session.server, Ledger(places))
        }
        source.killContainer = { namespace, pod, container in
            try await ContainerKill(session: session, places: places).end(namespace, pod, container)
        }
        if let record = places.running, record.kubeconfigServer == session.server {
            let cluster = LocalCluster(record: record, places: places, clock: clock, say: { _ in })
            if record.runtime == .process || places.isRoot {
                source.killNode = { name in
                    guard let machine = cluster.record.machine(name) else {
                        throw Failure("\(name) is not a machine of the cluster on this machine.")
                    }
                    try await NodeCommand.end(machine, cluster)
                }
            }
        }
        var options = ConsoleOptions(source: source)
        options.namespace = arguments.has("all-namespaces") ? "" : arguments["namespace"] ?? ""
        options.isReadOnly = arguments.has("readonly")
        options.noColor = arguments.has("no-color")
        options.environment = places.environment
        options.command = arguments["command"]
        options.clock = clock
        return try await runConsole(options)
    }
}

extension ClusterRecord {
    /// The server as the kubeconfig of this cluster names it.
    var kubeconfigServer: String { "https://127.0.0.1:\(port)" }
}
