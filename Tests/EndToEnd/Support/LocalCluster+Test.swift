import TestKit
import Testing

extension LocalCluster {
    /// `run`; the test is cancelled with a sentence when somebody else's cluster runs on the machine.
    static func with(
        nodes: Int = 3, options: [String] = ["--demo"], as user: User = .current,
        _ body: (LocalCluster) async throws -> Void
    ) async throws {
        do { try await run(nodes: nodes, options: options, as: user, body) } catch let taken as Taken {
            try Test.cancel("SKIPPED: \(taken)")
        }
    }
}
