import Glibc
import Shared

/// `kmaster`: API server, store, controllers and scheduler in one process. Composition only.
@main
struct Master {
    static let command = Command(
        name: "kmaster",
        summary: "Serves the Kubernetes API and keeps the cluster in its desired state.",
        flags: [
            .init(
                "state", .one("DIR"),
                help:
                    "where keys, certificates and the objects are kept (default /var/lib/kotohajime, or your XDG state folder)"
            ),
            .init(
                "listen", .many("HOST:PORT"),
                help: "address to serve on; may be given several times (default 127.0.0.1:6443)"),
            .init("advertise", .one("HOST"), help: "the address that agents and pods use to reach this master"),
            .init("node-cidr", .one("CIDR"), help: "addresses of nodes, for certificates of a local cluster"),
            .init("service-cidr", .one("CIDR"), fallback: "10.96.0.0/16", help: "addresses of services"),
            .init(
                "pod-cidr", .one("CIDR"), fallback: "10.244.0.0/16", help: "addresses of pods; every node gets a part"),
            .init("history", .one("DURATION"), fallback: "24h", help: "how long former states of objects are kept"),
            .init("node-grace", .one("DURATION"), fallback: "8s", help: "silence after which a node counts as lost"),
            .init("not-ready-toleration", .one("DURATION"), fallback: "2s", help: "how long pods stay on a lost node"),
            .init(
                "tolerate-extended-resources", help: "let pods onto nodes that are tainted with a device they ask for"),
            .init(
                "scheduler-config", .one("FILE"),
                help: "profiles of the scheduler, a KubeSchedulerConfiguration in YAML or JSON"),
            .init(
                "audit-log", .one("FILE"),
                help: "a JSON line for every change: who, what, from where, outcome, revision; never a value"),
            .init(
                "audit-log-maxsize", .one("MB"), fallback: "100", help: "size at which the audit log is put aside"),
            .init(
                "audit-log-maxbackup", .one("N"), fallback: "5", help: "audit logs that are kept beside the current one"
            ),
            .init(
                "token-auth-file", .one("FILE"),
                help: "lines token,user,uid,\"group1,group2\": bearer tokens of users"),
            .init(
                "anonymous-auth",
                help: "let requests without credentials ask for more than health and version, as far as roles allow"),
            .init(
                "log-level", .one("LEVEL"), fallback: "info", choices: ["debug", "info", "warning", "error"],
                help: "what is logged to standard error"),
            .init("version", help: "print the version and end"),
        ],
        notes:
            "Sub-commands: token, certs, encryption, backup, restore, user, simulate; each with --help.\n"
            + "The first start makes the cluster's keys, DIR/admin.kubeconfig and DIR/join-token. Ends in order on SIGTERM."
    )

    static func main() async {
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            if words.first == "simulate" { return try SimulateCommand.run(Array(words.dropFirst())) }
            if let word = words.first, let entry = MasterCommands.all[word] {
                return try await MasterCommands.run(entry, Array(words.dropFirst()))
            }
            let arguments = try Arguments(words, for: command)
            if arguments.wantsHelp { return print(command.help) }
            if arguments.has("version") {
                return print("kmaster \(Version.current) (Kubernetes \(Version.kubernetes))")
            }
            try await serve(try MasterSettings(arguments))
        } catch let error as UsageError {
            end(error.description, code: 2)
        } catch {
            end("\(error)", code: 1)
        }
    }

    private static func end(_ sentence: String, code: Int32) -> Never {
        StandardStreams.err("kmaster: \(sentence)")
        exit(code)
    }

    private static func serve(_ settings: MasterSettings) async throws {
        let clock = SystemClock()
        let start = clock.uptime()
        let signals = StopSignals()
        let log = Log("kmaster", threshold: settings.logLevel)
        let folder = try StateFolder(settings.state)
        let listeners = try settings.listen.map { try Listener.tcp(host: $0.host, port: $0.port) }
        guard let first = listeners.first else { throw UsageError("--listen is missing") }
        let port = first.port
        let url = "https://\(first.address.description)"
        let identity = try MasterIdentity.open(folder, names: settings.names, clock: clock)
        try identity.writeAdminKubeconfig(folder, server: url, clock: clock)

        let agentTLS = try TLSContext.client(
            ca: [identity.authority.certificate], certificate: [identity.clientCertificate], key: identity.clientKey)
        let agents = AgentTransports(tls: agentTLS)
        let unverified = AgentTransports(
            tls: try TLSContext.client(
                certificate: [identity.clientCertificate], key: identity.clientKey, insecure: true))
        var options = ControlPlane.Options()
        options.dialUnverified = unverified.transport
        options.serviceNetwork = settings.serviceNetwork
        options.notReadyTolerationSeconds = settings.notReadyTolerationSeconds
        options.toleratesExtendedResources = settings.toleratesExtendedResources
        options.store.historyAge = settings.history
        options.serverAddress = "\(settings.advertise):\(port)"
        let ring = SealingRing(try SealingKeys.open(folder))
        options.store.seal(with: ring)
        options.allowsAnonymous = settings.allowsAnonymous
        if let file = settings.auditFile {
            options.audit = try AuditLog(
                path: file, sizeMax: settings.auditBytesMax, keptMax: settings.auditKeptMax, log: log.about("audit"))
        }
        if let file = settings.tokenFile { options.staticTokens = try StaticTokens(file: file) }
        let plane = try ControlPlane(
            path: folder.path + "/kmaster.db", options: options, identity: identity, clock: clock, log: log,
            dial: agents.transport)

        let serverTLS = try TLSContext.server(
            certificate: [identity.serverCertificate], key: identity.serverKey,
            clientCA: [identity.authority.certificate])
        let http = HTTPServer(
            listeners.map { .init($0, tls: serverTLS) }, log: log.about("http"),
            bodyBytesMax: Limits.bodyBytesReadMax
        ) {
            await plane.server.answer($0)
        }

        try await plane.bootstrap(
            serviceAddress: settings.serviceNetwork.address(at: 1)?.description ?? "",
            endpoints: [settings.advertise], port: port)
        let controllers = controllers(plane, settings, identity)
        let ready = ServiceBlock {
            await controllers.caches.waitUntilSynced()
            plane.markReady()
            let seconds = Double(Int((clock.uptime() - start).inSeconds * 100)) / 100
            StandardStreams.out("kmaster ready \(url) kubeconfig=\(folder.path)/admin.kubeconfig in \(seconds)s")
            while true { try await clock.sleep(for: .seconds(3600)) }
        }
        let renewal = CertificateRenewal(
            folder: folder, names: settings.names, url: url, server: serverTLS, agents: agentTLS, clock: clock,
            log: log.about("certificates"))
        let rotation = KeyRotation(
            folder: folder, ring: ring, store: plane.store, clock: clock, log: log.about("encryption"))
        try await run([signals, http, ready, renewal, rotation] + plane.services + controllers.services)
    }

    private static func controllers(_ plane: ControlPlane, _ settings: MasterSettings, _ identity: MasterIdentity)
        -> Controllers
    {
        var controllerSettings = Controllers.Settings()
        controllerSettings.nodeGrace = settings.nodeGrace
        controllerSettings.blocks = NodeBlocks(settings.podNetwork.description)
        controllerSettings.rootCertificate = String(decoding: identity.authority.certificate.pem, as: UTF8.self)
        controllerSettings.authority = identity.authority
        controllerSettings.scheduler = settings.scheduler
        let tokens = plane.server.tokens
        controllerSettings.accountToken = { account, secret in try tokens.unending(account, in: secret) }
        let storage = plane.storage
        return Controllers(
            client: { plane.client(controller: $0) }, graph: plane.ownerGraph,
            kinds: {
                storage.registry.resources.filter { $0.isNamespaced && $0.isStored && $0.allows("delete") }.map(\.type)
            },
            settings: controllerSettings, clock: plane.clock, log: plane.log)
    }
}
