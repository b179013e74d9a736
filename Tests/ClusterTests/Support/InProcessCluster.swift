import Shared
import Synchronization
import TestKit

@testable import Master

/// A whole cluster in one process: a master with all controllers on a manual clock, and fake agents. Nothing sleeps;
/// `settle` and `run` move time from one thing that is due to the next. Everything runs on one thread in an order that
/// follows from the settings, so that a failing seed fails again. A class: it owns the running master.
final class InProcessCluster: Sendable {
    /// Failures that the controllers' clients see.
    struct Faults: Sendable {
        let seed: Seed
        let oneIn: UInt64
    }
    struct Settings: Sendable {
        /// `node-1`, `node-2`, …
        var nodes = 3
        var faults: Faults?
        /// Chooses which of the tasks that can go on does; nil lets the one go on that waits longest.
        var order: Seed?
        var nodeGrace = Duration.seconds(8)
        /// After so long living nodes renew their leases.
        var beat: Duration { nodeGrace / 4 }
        /// What the clock shows at first; nil is the manual clock's own idea.
        var start: Timestamp?
        var options = ControlPlane.Options()
        var parts = Parts.all
        /// What autoscalers are told of the use of pods; nil: nothing.
        var load: Load?
    }
    /// What runs: the API server alone, or the controllers beside it.
    enum Parts: Sendable { case server, all }
    struct NotIdle: Error, CustomStringConvertible { let description: String }

    private struct Running {
        let plane: ControlPlane
        let controllers: Controllers
        /// The caches, and the part of its resource that each follows.
        let caches: [any ObjectCache]
        let queues: [String: WorkQueue]
        let folder: TemporaryFolder
        let task: Task<Void, any Error>
        let gate: Int
        let storeGate: StoreGate
        let line: Line
    }
    let clock: ManualClock
    let agents: FakeAgents
    let settings: Settings
    /// Where everything runs; what a test starts beside its body has to prefer it too.
    let executor: SteppedExecutor
    private let running = Mutex<Running?>(nil)
    private let renewed = Mutex(Duration.zero)
    private let starts = Mutex<UInt64>(0)

    private init(_ settings: Settings) {
        self.settings = settings
        clock = settings.start.map { ManualClock($0) } ?? ManualClock()
        executor = SteppedExecutor(order: settings.order)
        agents = FakeAgents(clock: clock)
    }

    /// Runs `body` with a cluster of `nodes` nodes (`node-1`, …) that has come to rest.
    static func with(
        nodes: Int = 3, faults: Faults? = nil, options: ControlPlane.Options = ControlPlane.Options(),
        parts: Parts = .all, _ body: (InProcessCluster) async throws -> Void
    ) async throws {
        var settings = Settings()
        settings.nodes = nodes
        settings.faults = faults
        settings.options = options
        settings.parts = parts
        try await with(settings, body)
    }

    static func with(_ settings: Settings, _ body: (InProcessCluster) async throws -> Void) async throws {
        let cluster = InProcessCluster(settings)
        // Made outside, so that the executor does the same for the first cluster as for all others.
        let folder = try await FirstStart.folder(cluster.clock)
        try await withTaskExecutorPreference(cluster.executor) {
            try await cluster.open(folder)
            do {
                for number in 0..<settings.nodes {
                    try await cluster.agents.start("node-\(number + 1)", cluster.client)
                }
                try await cluster.settle()
                try await body(cluster)
            } catch {
                await cluster.stop()
                throw error
            }
            await cluster.stop()
        }
    }

    /// What every namespace is given as the cluster's CA.
    static let rootCertificate = "certificate"

    /// A client of the cluster's administrator.
    var client: Client { plane.client(User("kubernetes-admin", groups: ["system:masters"]), agent: "test") }
    var plane: ControlPlane {
        guard let plane = running.withLock({ $0?.plane }) else { preconditionFailure("the master does not run") }
        return plane
    }

    /// The master loses its power in the middle of what it does, and starts again from what was on its disk.
    func restartMaster() async throws {
        let folder = TemporaryFolder()
        guard let old = await end() else { return }
        old.folder.copy("", to: folder)
        try await open(folder)
    }

    private func stop() async { _ = await end() }

    private func end() async -> Running? {
        guard let old = running.withLock({ $0.take() }) else { return nil }
        old.task.cancel()
        executor.removeGate(old.gate)
        old.storeGate.open()
        _ = await old.task.result
        // What refers to itself stays: it must not keep the master's files open.
        old.line.cut()
        old.plane.store.publish { _ in }
        return old
    }

    private func open(_ folder: TemporaryFolder) async throws {
        let log = FirstStart.log
        let number = starts.withLock { starts in
            starts += 1
            return starts
        }
        var options = settings.options
        options.random = RandomSource(Seed((settings.order?.start ?? 0) &+ number << 32))
        let identity = try FirstStart.identity(in: folder, clock)
        let plane = try FirstStart.plane(in: folder, options, identity, clock)
        let storeGate = StoreGate(plane.store)
        let gate = executor.add { [weak storeGate] in storeGate?.pass() }
        try await FirstStart.bootstrap(plane)
        let line = Line(plane.server, executor)
        let controllers = controllers(of: plane, line, identity.authority, options.random, log)
        let admin = Client(line.transport(User("kubernetes-admin", groups: ["system:masters"])), agent: "agent")
        let (pods, services) = agents.services(admin, log: log)
        let all = plane.services + (settings.parts == .all ? controllers.services + services : [])
        // Unstructured, so that a test can end and replace the master between two lines.
        let task = Task(executorPreference: executor) { try await Shared.run(all) }
        running.withLock {
            $0 = Running(
                plane: plane, controllers: controllers, caches: controllers.caches.informers + [pods],
                queues: controllers.queues.merging(["agents": agents.queue]) { own, _ in own }, folder: folder,
                task: task, gate: gate, storeGate: storeGate, line: line)
        }
    }

    private func controllers(
        of plane: ControlPlane, _ line: Line, _ authority: CertificateAuthority, _ random: RandomSource, _ log: Log
    ) -> Controllers {
        let (faults, load, clock) = (settings.faults, settings.load, clock)
        var configuration = Controllers.Settings()
        configuration.rootCertificate = InProcessCluster.rootCertificate
        configuration.nodeGrace = settings.nodeGrace
        configuration.authority = authority
        configuration.random = random
        let tokens = plane.server.tokens
        configuration.accountToken = { account, secret in try tokens.unending(account, in: secret) }
        let live = plane.storage.live
        return Controllers(
            client: { name in
                var transport = line.transport(.controller(name))
                if let load { transport = MeteredTransport(transport, load, clock) }
                if let faults { transport = FaultyTransport(transport, faults.seed, oneIn: faults.oneIn) }
                return Client(transport, agent: name)
            },
            graph: plane.ownerGraph,
            kinds: {
                live.current.resources.filter { $0.isNamespaced && $0.isStored && $0.allows("delete") }.map(\.type)
            },
            settings: configuration, clock: clock, log: log)
    }

    // MARK: Time

    /// Returns when nothing is left to do without time passing; waits up to a second for each retry.
    func settle() async throws {
        try await idle()
        for _ in 0..<10_000 {
            guard let due = clock.nextWake, due - clock.uptime() <= .seconds(1) else { return }
            try await pass(to: due)
        }
        throw NotIdle(description: "the controllers never come to rest: \(busy)")
    }

    /// Lets `duration` pass, from one thing that is due to the next; living nodes renew their leases every
    /// quarter of the time after which they count as lost.
    func run(for duration: Duration) async throws {
        let end = clock.uptime() + duration
        try await idle()
        while clock.uptime() < end { try await pass(to: min(end, clock.nextWake ?? end)) }
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

    /// Moves to a time, or to the next at which the nodes renew their leases when that is earlier.
    private func pass(to time: Duration) async throws {
        let beat = renewed.withLock { $0 } + settings.beat
        let next = max(clock.uptime(), min(time, beat))
        clock.advance(by: next - clock.uptime())
        if next >= beat {
            renewed.withLock { $0 = next }
            try await agents.renewAll(client)
        }
        try await idle()
    }

    /// Returns when nothing can happen before time passes.
    func idle() async throws {
        do {
            try await executor.settled()
        } catch is SteppedExecutor.Restless {
            throw NotIdle(description: "the cluster works on and on while time stands still: \(busy)")
        }
    }

    /// What is not at rest: caches without their first listing, queues with work.
    private var busy: [String] {
        guard let running = running.withLock({ $0 }) else { return [] }
        let now = clock.uptime()
        return running.caches.filter { !$0.isSynced }.map { "cache of \($0.resource)" }
            + running.queues.filter { $0.value.depth > 0 || $0.value.nextDue.map { $0 <= now } ?? false }
            .map { "queue of \($0.key)" }.sorted()
    }
}
