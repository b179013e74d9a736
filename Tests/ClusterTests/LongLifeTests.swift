import Shared
import TestKit
import Testing

@testable import Master

/// Hours in which nothing much happens.
struct LongLifeTests {
    /// Watches end every half hour, and bookmarks come at just that moment.
    @Test func `a cluster works on when its watches have ended`() async throws {
        try await InProcessCluster.with(nodes: 1) { cluster in
            for hour in 1...2 {
                try await cluster.run(for: .seconds(3610))
                var deployment = InProcessCluster.deployment(replicas: 2)
                deployment.metadata.name = "web-\(hour)"
                _ = try await cluster.client.create(deployment)
                try await cluster.settle()
                let made = try await cluster.client.get(
                    Deployment.self, namespace: "default", name: deployment.name)
                #expect(made.status.json["availableReplicas"].int == 2, "after \(hour) hours")
            }
        }
    }
}
