import Shared
import Synchronization
import TestKit

@testable import Master

/// A whole cluster in one process: a master with all controllers on a manual clock, and fake agents. Nothing sleeps;
/// `settle` and `run` move time from one thing that is due to the next. A class: it owns the running master.
final class InProcessCluster: Sendable {
    /// Failures that the controllers' clients see.
    struct Faults: Sendable {
        let seed: Seed
        let oneIn: UInt64
    }
    /// What runs: the API server alone, or the controllers beside it.
    enum Parts: Sendable { case server, all }
    struct NotIdle: Error, CustomStringConvertible { let description: String }

    private struct Running {
        let plane: ControlPlane
        let queues: [String: WorkQueue]
        /// By kind, whether a cache shows what the store holds.
        let caches: [(name: String, isCurrent: @Sendable () -> Bool)]
        let folder: TemporaryFolder
        let task: Task<Void, any Error>
    }
    let clock = ManualClock()
    let agents: FakeAgents
    private let faults: Faults?
    private let options: ControlPlane.Options
    let parts: Parts
    private let running: Mutex<Running?>
    private let renewed: Mutex<Duration>

    private init(faults: Faults?, options: ControlPlane.Options, parts: Parts) {
        self.faults = faults
        self.options = options
        self.parts = parts
        agents = FakeAgents(clock: clock)
        running = Mutex(nil)
        renewed = Mutex(.zero)
    }

    /// Runs `body` with a cluster of `nodes` nodes (`node-1`, …) that has come to rest.
    static func with(
        nodes: Int = 3, faults: Faults? = nil, options: ControlPlane.Options = ControlPlane.Options(),
        parts: Parts = .all, _ body: (InProcessCluster) async throws -> Void
    ) async throws {
        let cluster = InProcessCluster(faults: faults, options: options, parts: parts)
        try await cluster.open(TemporaryFolder())
        do {
            for number in (0..<nodes).map({ $0 + 1 }) {
                try await cluster.agents.start("node-\(number)", cluster.client)
            }
            try await cluster.settle()
            try await body(cluster)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    /// A client of the cluster's administrator.
    var client: Client { plane.client(User("kubernetes-admin", groups: ["system:masters"]), agent: "test") }
    var plane: ControlPlane {
        guard let plane = running.withLock({ $0?.plane }) else { preconditionFailure("the master does not run") }
        return plane
    }

    /// The master loses its power in the middle of what it does, and starts again from what was on its disk.
    func restartMaster() async throws {
        guard let old = running.withLock({ $0 }) else { return }
        old.task.cancel()
        _ = await old.task.result
        let folder = TemporaryFolder()
        old.folder.copy("", to: folder)
        try await open(folder)
    }

    private func stop() async {
        let old = running.withLock { $0.take() }
        old?.task.cancel()
        _ = await old?.task.result
    }

    private func open(_ folder: TemporaryFolder) async throws {
        let log = Log("cluster", threshold: .error) { _ in }
        let state = try StateFolder(folder.path)
        let identity = try MasterIdentity.open(state, names: SubjectAltNames(dns: ["localhost"]), clock: clock)
        let plane = try ControlPlane(
            path: folder.path + "/kmaster.db", options: options, identity: identity, clock: clock,
            log: log,
            dial: { throw NetError(.refused, "no agent listens on \($0)") })
        try await plane.bootstrap(serviceAddress: "10.96.0.1", endpoints: ["127.0.0.1"], port: 6443)
        let faults = faults
        var settings = Controllers.Settings()
        settings.rootCertificate = "certificate"
        let registry = plane.storage.registry
        let controllers = Controllers(
            client: { name in
                let transport = InProcessTransport(server: plane.server, user: .controller(name))
                guard let faults else { return Client(transport, agent: name) }
                return Client(FaultyTransport(transport, faults.seed, oneIn: faults.oneIn), agent: name)
            },
            graph: plane.ownerGraph,
            kinds: { registry.resources.filter { $0.isNamespaced && $0.isStored && $0.allows("delete") }.map(\.type) },
            settings: settings, clock: clock, log: log)
        let admin = plane.client(User("kubernetes-admin", groups: ["system:masters"]), agent: "agent")
        let (pods, services) = agents.services(admin, log: log)
        let all = plane.services + (parts == .all ? controllers.services + services : [])
        // Unstructured, so that a test can end and replace the master between two lines.
        let task = Task { try await Shared.run(all) }
        let caches =
            parts == .server
            ? []
            : InProcessCluster.watched(controllers.caches, plane.store) + [
                ("agents", InProcessCluster.follows(pods, plane.store))
            ]
        running.withLock {
            $0 = Running(
                plane: plane, queues: controllers.queues.merging(["agents": agents.queue]) { own, _ in own },
                caches: caches, folder: folder, task: task)
        }
    }

    // MARK: Time

    /// Returns when nothing is left to do without time passing; waits up to a second for each retry.
    func settle() async throws {
        try await idle()
        for _ in 0..<10_000 {
            guard let due = nextDue, due - clock.uptime() <= .seconds(1) else { return }
            clock.advance(by: max(.zero, due - clock.uptime()))
            try await idle()
        }
        throw NotIdle(description: "the controllers never come to rest: \(busy)")
    }

    /// Lets `duration` pass, from one thing that is due to the next; living nodes renew their leases every 2 s.
    func run(for duration: Duration) async throws {
        let end = clock.uptime() + duration
        try await idle()
        while clock.uptime() < end {
            let beat = renewed.withLock { $0 } + .seconds(2)
            let next = max(clock.uptime(), min(end, beat, nextDue ?? end))
            clock.advance(by: next - clock.uptime())
            if next >= beat {
                renewed.withLock { $0 = next }
                try await agents.renewAll(client)
            }
            try await idle()
        }
    }

    /// Lets time pass until `condition` holds.
    /// - Returns: how long that took on the cluster's clock; nil when it took longer than `limit`.
    func time(until limit: Duration, _ condition: () async throws -> Bool) async throws -> Duration? {
        let start = clock.uptime()
        while clock.uptime() - start < limit {
            if try await condition() { return clock.uptime() - start }
            try await run(for: .milliseconds(250))
        }
        return try await condition() ? clock.uptime() - start : nil
    }

    private var nextDue: Duration? {
        running.withLock { $0?.queues.values.compactMap(\.nextDue).min() }
    }

    /// What is not at rest: caches that lag behind the store, queues with work.
    private var busy: [String] {
        guard let running = running.withLock({ $0 }) else { return [] }
        let now = clock.uptime()
        return running.caches.filter { !$0.isCurrent() }.map { "cache of \($0.name)" }
            + running.queues.filter { $0.value.depth > 0 || $0.value.nextDue.map { $0 <= now } ?? false }
            .map { "queue of \($0.key)" }
    }

    /// Returns when all queues are empty and all caches show what the store holds. What is ready to run gets its turn
    /// between two looks, so a few quiet looks in a row mean that nothing is on its way either.
    private func idle() async throws {
        var quiet = 0
        var looks = 0
        let deadline = SystemClock().uptime() + .seconds(60)
        while quiet < 12 {
            await Task.yield()
            quiet = busy.isEmpty ? quiet + 1 : 0
            looks += 1
            // A timer that began to sleep while time moved on wakes a little late.
            if looks % 5_000 == 0, busy.allSatisfy({ $0.hasPrefix("queue") }) { clock.advance(by: .milliseconds(1)) }
            if looks % 1_000 == 0, SystemClock().uptime() > deadline {
                throw NotIdle(description: "still busy after a minute: \(busy)")
            }
        }
    }

    private static func watched(_ caches: Caches, _ store: Store) -> [(name: String, isCurrent: @Sendable () -> Bool)] {
        [
            ("pods", follows(caches.pods, store)), ("nodes", follows(caches.nodes, store)),
            ("replicasets", follows(caches.replicaSets, store)), ("deployments", follows(caches.deployments, store)),
            ("jobs", follows(caches.jobs, store)), ("services", follows(caches.services, store)),
            ("endpoints", follows(caches.endpoints, store)), ("slices", follows(caches.slices, store)),
            ("namespaces", follows(caches.namespaces, store)), ("accounts", follows(caches.accounts, store)),
            (
                "leases",
                { [leases = caches.leases] in
                    let last = store.list(Lease.type.resource, namespace: Lease.nodeNamespace).items.map(\.revision)
                        .max()
                    return leases.isSynced && leases.revision >= last ?? .zero
                }
            ),
        ]
    }

    private static func follows<K: Kind>(_ informer: Informer<K>, _ store: Store) -> @Sendable () -> Bool {
        { informer.isSynced && informer.revision >= store.lastChange(of: K.type.resource) ?? .zero }
    }
}
