import Shared
import Synchronization

/// The parts of a master put together: store, watch hub, request chain, in-process clients. Programs and tests make one
/// and run its services; sockets are not part of it.
struct ControlPlane: Sendable {
    struct Options: Sendable {
        var serviceNetwork = IPv4Network(IPv4Address(10, 96, 0, 0), prefix: 16)
        var notReadyTolerationSeconds = 2
        var store = Store.Options()
        /// Pods tolerate the taints of nodes that are kept for the devices which they ask for.
        var toleratesExtendedResources = false
        /// `host:port` under which clients reach the server.
        var serverAddress = "127.0.0.1:6443"
        /// Makes uids and names.
        var random = RandomSource.system
        /// A transport to an agent whose certificate is not looked at; nil: there is none.
        var dialUnverified: (@Sendable (_ address: String) throws -> any Transport)?
        /// `--token-auth-file`.
        var staticTokens = StaticTokens.none
        /// `--audit-log`.
        var audit: AuditLog?
        /// `--anonymous-auth`.
        var allowsAnonymous = false
        /// Whether agents get their rights from what runs on their node; else they are users like all others.
        var authorizesNodes = true
    }

    let store: Store
    let storage: Storage
    let server: APIServer
    let clock: any WallClock
    let log: Log
    /// Who owns whom, for the garbage collector.
    let ownerGraph: OwnerGraph
    private let compaction: Compaction
    private let bookmarks: Bookmarks
    private let readiness: Readiness

    /// Whether the controllers' caches are filled. A class: one fact that the server and `main` share.
    final class Readiness: Sendable {
        private let state = Atomic(false)
        /// Whether the default roles are in place.
        let hasRoles = Atomic(false)
        var isReady: Bool {
            get { state.load(ordering: .acquiring) }
            set { state.store(newValue, ordering: .releasing) }
        }
    }

    /// - Parameters:
    ///   - path: the state file.
    ///   - dial: a transport to the agent at an address.
    init(
        path: String, options: Options, identity: MasterIdentity, clock: any WallClock, log: Log,
        dial: @escaping @Sendable (_ address: String) throws -> any Transport
    ) throws {
        let registry = LiveRegistry()
        let stored: [GroupResource: Resource] = Dictionary(
            registry.current.resources.map { ($0.groupResource, $0) }, uniquingKeysWith: { first, _ in first })
        let store = try Store.open(path: path, clock: clock, options: options.store) { resource, object in
            var projection = Projection(metadata: Object(object).metadata)
            projection.fields = (stored[resource] ?? registry.custom(resource))?.projectionFields(of: object) ?? [:]
            return projection
        }
        let hub = Hub(log: store.log)
        let addresses = ServiceAddresses(range: options.serviceNetwork)
        for service in store.list(ServiceAddresses.resource).items { addresses.observe(try service.json()) }
        let owners = OwnerFeed(store: store, registry: registry)
        let rules = try StoredRules(store: store)
        let graph = NodeGraph(store: store)
        let authorize = Authorize(rules: rules, nodes: options.authorizesNodes ? NodeAuthorizer(graph: graph) : nil)
        for definition in store.list(LiveRegistry.definitions).items { registry.put(try definition.json()) }
        store.publish { changes in
            rules.receive(changes)
            graph.receive(changes)
            // What is served follows the definitions before anyone hears of them.
            for change in changes where change.key.resource == LiveRegistry.definitions {
                if change.kind == .deletion {
                    registry.remove(change.key.name)
                } else if let definition = try? change.stored.json() {
                    registry.put(definition)
                }
            }
            hub.publish(changes)
            owners.receive(changes)
            for change in changes where change.key.resource == ServiceAddresses.resource && change.kind == .deletion {
                addresses.release(change.stored.projection.uid)
            }
        }
        let storage = Storage(
            store: store, hub: hub, live: registry,
            admission: ControlPlane.admission(store, options, registry, authorize, clock),
            addresses: addresses,
            clock: clock, random: options.random)
        let tokens = ServiceAccountTokens(
            key: identity.tokenKey, issuer: "https://kubernetes.default.svc.cluster.local", clock: clock
        ) { store.get($0) }
        let joinToken = identity.joinToken
        let authenticate = Authenticate(
            tokens: tokens, statics: options.staticTokens,
            joining: { ControlPlane.joining($0, joinToken: joinToken, store, clock) },
            allowsAnonymous: options.allowsAnonymous)
        let readiness = Readiness()
        let counts = RequestCounts()
        let documents = Documents(
            registry: registry, serverAddress: options.serverAddress,
            health: ControlPlane.health(readiness),
            metrics: { Metrics.text(store: store, hub: hub) + counts.text }, tokens: tokens)
        let nodes = NodeProxy(storage: storage, dial: dial, dialUnverified: options.dialUnverified)
        let metrics = ResourceMetrics(storage: storage) { try await nodes.summary(ofNode: $0) }
        server = APIServer(
            storage: storage, authenticate: authenticate, authorize: authorize, documents: documents, nodes: nodes,
            tokens: tokens, metrics: metrics, counts: counts, audit: options.audit, log: log.about("api"))
        compaction = Compaction(store: store, log: log.about("store"))
        bookmarks = Bookmarks(hub: hub, clock: clock)
        ownerGraph = owners.graph
        self.store = store
        self.storage = storage
        self.clock = clock
        self.log = log
        self.readiness = readiness
    }

    /// What `/healthz` and its kin tell. The names are Kubernetes's, for those who look for one of them.
    private static func health(_ readiness: Readiness) -> Health {
        Health(checks: [
            .init(name: "ping", passes: { true }), .init(name: "log", passes: { true }),
            // A store that is not open has ended the program.
            .init(name: "etcd", passes: { true }),
            .init(name: "informer-sync", isForReadiness: true, passes: { readiness.isReady }),
            .init(
                name: "poststarthook/rbac/bootstrap-roles",
                passes: { readiness.hasRoles.load(ordering: .acquiring) }),
        ])
    }

    /// The user of a join token: the one of the first start, or one that a Secret keeps.
    private static func joining(_ token: String, joinToken: String, _ store: Store, _ clock: any WallClock) -> User? {
        let groups = ["system:bootstrappers", User.authenticated]
        if !joinToken.isEmpty, Array(token.utf8).isEqualInConstantTime(to: Array(joinToken.utf8)) {
            return User("system:bootstrap:join", groups: groups)
        }
        guard let made = BootstrapToken(token) else { return nil }
        let key = ObjectKey(
            Secret.type.resource, namespace: BootstrapToken.namespace, name: BootstrapToken.secretName(made.id))
        guard let secret = try? store.get(key)?.json(), made.isKnown(to: Secret(secret), now: clock.now()) else {
            return nil
        }
        let extra = BootstrapToken.groups(Secret(secret))
        return User("system:bootstrap:\(made.id)", groups: groups + extra.filter { !groups.contains($0) })
    }

    /// A client of this master within its process, with an identity of its own.
    func client(_ user: User, agent: String) -> Client {
        Client(InProcessTransport(server: server, user: user), agent: agent)
    }
    /// The client of a controller. Fields have the managers that they have in Kubernetes.
    func client(controller name: String) -> Client {
        client(.controller(name), agent: name == "kube-scheduler" ? name : "kube-controller-manager")
    }

    /// Creates what every cluster has, where it is missing, brings the default roles up to date, and the endpoints of
    /// service `kubernetes`.
    func bootstrap(serviceAddress: String, endpoints addresses: [String], port: Int) async throws {
        let client = client(.master, agent: "kmaster")
        // Namespaces first; all else at once, so that it shares commits.
        try await ensure(BootstrapObjects.namespaces, client) { _, _ in nil }
        try await ensure(BootstrapRoles.all, client) { BootstrapRoles.reconciled($0, wanted: $1) }
        readiness.hasRoles.store(true, ordering: .releasing)
        try await ensure(BootstrapObjects.all(serviceAddress: serviceAddress), client) { _, _ in nil }
        try await ensure(BootstrapObjects.endpoints(addresses, port: port), client) { stored, wanted in
            var new = wanted
            new["metadata"] = stored["metadata"]
            // Not a ternary: there nil would be the JSON null.
            if new == stored { return nil }
            return new
        }
    }

    /// Creates objects that are missing and changes those for which `change` has another form.
    private func ensure(
        _ objects: [JSON], _ client: Client,
        _ change: @escaping @Sendable (_ stored: JSON, _ wanted: JSON) -> JSON?
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for object in objects {
                group.addTask {
                    let meta = Object(object)
                    let version = meta.apiVersion.split(separator: "/").last.map(String.init) ?? ""
                    guard let resource = storage.registry.resource(group: meta.group, version: version, kind: meta.kind)
                    else { preconditionFailure("\(meta.kind) is no resource of this server") }
                    let collection = resource.type.path(namespace: meta.namespace)
                    let key = ObjectKey(resource.groupResource, namespace: meta.namespace, name: meta.name)
                    guard let stored = try storage.store.get(key)?.json() else {
                        _ = try await client.call("POST", collection, body: object)
                        return
                    }
                    if let new = change(stored, object) {
                        _ = try await client.call("PUT", "\(collection)/\(meta.name)", body: new)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// What runs beside the server and the controllers.
    var services: [any Service] {
        [
            compaction, bookmarks,
            EventExpiry(
                store: store, client: client(.master, agent: "kmaster"), clock: clock, log: log.about("events")),
        ]
    }

    /// The caches are filled: `/readyz` answers ok from now on.
    func markReady() { readiness.isReady = true }
}

/// Deletes events that have had their hour, so that watchers see them go.
struct EventExpiry: Service {
    let store: Store
    let client: Client
    let clock: any WallClock
    let log: Log

    func run() async throws {
        while true {
            try await clock.sleep(for: .seconds(60))
            do {
                while true {
                    let expired = try await store.expired(before: clock.now() - store.options.eventAge)
                    for event in expired {
                        let type = KindType(
                            group: event.key.resource.group, version: "v1", kind: "Event", plural: "events")
                        let path = type.path(namespace: event.key.namespace, name: event.key.name)
                        do { _ = try await client.call("DELETE", path) } catch let status as Status
                            where status.reason == .notFound
                        {}
                    }
                    if expired.count < Limits.expiredPageMax { break }
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                log.warning("old events could not be deleted; they are tried again in a minute", ("error", "\(error)"))
            }
        }
    }
}
