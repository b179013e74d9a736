import CLinux
import Glibc
import Shared

/// Puts the parts of the agent together and runs them.
struct AgentProgram: Sendable {
    let settings: AgentSettings
    private let clock = SystemClock()
    private let log: Log

    init(_ settings: AgentSettings) {
        self.settings = settings
        log = Log("kagent", threshold: settings.logLevel)
    }

    func run() async throws {
        let start = clock.uptime()
        let signals = StopSignals()
        try Files.makeFolder(settings.state, mode: 0o700)
        let lock = try StateLock(settings.state)
        defer { withExtendedLifetime(lock) {} }
        // SIGTERM ends the agent at any time, also while it waits for the master.
        try await Shared.run([signals, ServiceBlock { try await serve(since: start) }])
    }

    private func serve(since start: Duration) async throws {
        let machine = Machine.read(folder: settings.state)
        let cgroup = "kotohajime/" + settings.name
        let choice = try await RuntimeChoice.make(
            wanted: settings.runtime, folders: RuntimeFolders(state: settings.state), cgroup: cgroup,
            shim: ShimProgram.beside(), clock: clock, log: log.about("runtime"))
        if !choice.reason.isEmpty { log.info("\(choice.reason)") }

        let join = Join(settings: settings, clock: clock, log: log.about("join"))
        let clientTLS = try await join.clientTLS()
        let transport = HTTPTransport(.host(settings.host, port: settings.port), tls: clientTLS)
        let client = Client(transport, agent: "kagent/\(Version.current)")
        let lease = NodeLease(
            client: client, name: settings.name,
            identity: try NodeLease.identity(name: settings.name, state: settings.state, machine: machine),
            clock: clock,
            log: log.about("lease"))
        let address = try await ownAddress()
        try await lease.take()
        let serverTLS = try await join.serverTLS(client, address: address)
        let listener = try Listener.tcp(host: address, port: settings.endpointPort)

        let registration = Registration(
            client, settings: settings, machine: machine, address: address, port: listener.port,
            runtime: choice.runtime,
            clock: clock, log: log.about("node"))
        try await registration.register()

        let pods = Informer<Pod>(
            client, fields: FieldSelector([.init("spec.nodeName", settings.name)]), clock: clock, log: log.about("pods")
        )
        let services = Informer<ClusterService>(client, clock: clock, log: log.about("services"))
        let slices = Informer<EndpointSlice>(client, clock: clock, log: log.about("endpoints"))
        let nodes = Informer<Node>(client, clock: clock, log: log.about("nodes"))
        let recorder = Recorder(
            client, component: "kubelet", host: settings.name, clock: clock, log: log.about("events"))
        let background = Background()
        let claims = Claims(folder: settings.state + "/claims", client: client, nodeName: settings.name)
        let volumes = Informer<PersistentVolume>(client, clock: clock, log: log.about("volumes"))
        let ingresses = Informer<Ingress>(client, clock: clock, log: log.about("ingress"))
        let ingressClasses = Informer<IngressClass>(client, clock: clock, log: log.about("ingress"))
        let removals = WorkQueue(clock: clock)
        volumes.add { removals.add($0.object.key) }
        let removal = ControlLoop(
            "claims", ClaimRemoval(claims: claims, volumes: volumes), queue: removals, log: log.about("volumes"))

        let work = ServiceBlock {
            let place = try await NetworkPlace.find(
                settings, address: address, pods: pods, services: services, nodes: nodes)
            let kit = try NetworkKit.make(
                choice.runtime.kind, settings, place, clock: clock, log: log.about("network"),
                remark: { name, sentence in
                    var service = ClusterService(name: name.name, namespace: name.namespace)
                    service.metadata.uid = services.get(namespace: name.namespace, name: name.name)?.metadata.uid ?? ""
                    recorder.event(service, .normal, "ServicePort", sentence)
                })
            let running = await NetworkPlace.running(choice.runtime, pods: pods)
            for sentence in try await kit.network.setUp(place, running: running) { log.warning("\(sentence)") }
            let names = try kit.nameServer()
            let feed = NetworkFeed(
                kit.network, names: names, services: services, slices: slices, nodes: nodes, nodeName: settings.name,
                log: log.about("network"))
            let tools = PodTools(
                runtime: choice.runtime, client: client, network: kit.network,
                volumes: Volumes(
                    folder: settings.state + "/volumes", client: client,
                    tokens: ServiceAccountTokens(client, clock: clock), claims: claims, clock: clock),
                recorder: recorder, background: background, clock: clock, log: log.about("pod"),
                node: NodeFacts(
                    name: settings.name, address: address, cgroup: cgroup, cpuMillis: machine.cpus * 1000,
                    memoryBytes: machine.memoryBytes),
                logFolder: settings.state + "/logs", resolvConf: kit.resolvConf,
                services: { namespace in
                    ServiceEnvironment.variables(namespace: namespace, services: feed.entries, offered: kit.offered)
                })
            let loops = PodLoops(pods, tools: tools)
            let endpoint = NodeEndpoint(
                source: NodeEndpointSource(loops, machine: machine), runtime: choice.runtime, clock: clock,
                log: log.about("serve"))
            let server = HTTPServer(
                [.init(listener, tls: serverTLS)], log: log.about("serve"), handler: { await endpoint.answer($0) })
            await registration.setProblem(nil)
            let took = (clock.uptime() - start).nanoseconds / 1_000_000
            StandardStreams.out(
                "kagent ready \(settings.name) \(address) runtime=\(choice.runtime.kind.rawValue) in \(took / 1000).\(took % 1000 / 100)s"
            )
            let proxy = IngressProxy(
                ingresses: ingresses, classes: ingressClasses, service: { feed.entry($0) },
                certificates: try IngressCertificates(client: client, clock: clock, log: log.about("ingress")),
                address: address, ports: (Int(kit.offered(80)), Int(kit.offered(443))), recorder: recorder,
                clock: clock, log: log.about("ingress"))
            var parts: [any Service] = [feed, loops, server, proxy, ServiceBlock { try await kit.network.run() }]
            if let names { parts.append(names) }
            try await Shared.run(parts)
            throw CancellationError()
        }
        try await Shared.run([
            pods, services, slices, nodes, volumes, ingresses, ingressClasses, recorder, background, registration, work,
            removal,
            ServiceBlock { try await lease.run() },
            ServiceBlock {
                try await join.renew(client, clientTLS: clientTLS, serverTLS: serverTLS, address: address)
            },
        ])
    }

    /// The address that reaches the master, unless one is given.
    private func ownAddress() async throws -> String {
        if let address = settings.address { return address }
        var backoff = Backoff(first: .milliseconds(200), most: .seconds(5))
        while true {
            do {
                let connection = try await Dialer.connect(host: settings.host, port: settings.port)
                defer { connection.close() }
                return connection.local.host
            } catch let error as NetError {
                log.info("the master is not reached yet", ("server", settings.server), ("error", error.description))
                try await clock.sleep(for: backoff.next())
            }
        }
    }
}

/// Keeps a second agent out of the state folder. A class: it owns the lock, which the kernel frees with the process.
final class StateLock: Sendable {
    struct Held: Error, CustomStringConvertible {
        let folder: String
        var description: String {
            "another agent uses the state folder \(folder): stop it, or start this one with another --state"
        }
    }
    private let file: Int32

    init(_ folder: String) throws {
        file = clinux_open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Errno.last }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw Held(folder: folder)
        }
    }
    deinit { close(file) }
}
