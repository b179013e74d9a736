import Shared
import Synchronization
import TestKit

@testable import Master

/// What a master makes at its very first start: its certificates and what every cluster has. Made once for each time
/// that a clock may show then, since most clusters of tests begin with nothing else.
enum FirstStart {
    private static let made = Mutex<[Timestamp: TemporaryFolder.Contents]>([:])

    /// The folder of a master that has started once, and stopped.
    static func folder(_ clock: ManualClock) async throws -> TemporaryFolder {
        let now = clock.now()
        if let contents = made.withLock({ $0[now] }) { return TemporaryFolder(contents) }
        let folder = TemporaryFolder()
        let executor = SteppedExecutor()
        try await withTaskExecutorPreference(executor) {
            var options = ControlPlane.Options()
            options.random = RandomSource(Seed(0))
            let plane = try plane(in: folder, options, try identity(in: folder, clock), clock)
            let storeGate = StoreGate(plane.store)
            let gate = executor.add { [weak storeGate] in storeGate?.pass() }
            try await bootstrap(plane)
            executor.removeGate(gate)
            storeGate.open()
        }
        let contents = folder.contents
        made.withLock { $0[now] = contents }
        return TemporaryFolder(contents)
    }

    static func identity(in folder: TemporaryFolder, _ clock: ManualClock) throws -> MasterIdentity {
        try MasterIdentity.open(
            try StateFolder(folder.path), names: SubjectAltNames(dns: ["localhost"]), clock: clock)
    }

    static func plane(
        in folder: TemporaryFolder, _ options: ControlPlane.Options, _ identity: MasterIdentity, _ clock: ManualClock
    ) throws -> ControlPlane {
        try ControlPlane(
            path: folder.path + "/kmaster.db", options: options, identity: identity, clock: clock,
            log: log, dial: { throw NetError(.refused, "no agent listens on \($0)") })
    }

    static func bootstrap(_ plane: ControlPlane) async throws {
        try await plane.bootstrap(serviceAddress: "10.96.0.1", endpoints: ["127.0.0.1"], port: 6443)
    }

    static var log: Log { Log("cluster", threshold: .error) { _ in } }
}
