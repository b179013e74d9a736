import Shared
import Testing

struct CollectionTests {
    @Test func `a namespace goes with everything in it`() async throws {
        try await InProcessCluster.with { cluster in
            let client = cluster.client
            _ = try await client.create(Namespace(name: "team"))
            try await cluster.settle()
            var deployment = InProcessCluster.deployment()
            deployment.metadata.namespace = "team"
            _ = try await client.create(deployment)
            var settings = ConfigMap(name: "settings", namespace: "team")
            settings.json["data"] = ["color": "red"]
            _ = try await client.create(settings)
            try await cluster.settle()
            #expect(try await client.list(Pod.self, namespace: "team").items.count == 3)

            try await client.delete(Namespace.self, name: "team")
            try await cluster.run(for: .seconds(40))
            #expect(try await !cluster.exists(Namespace.self, namespace: "", name: "team"))
            #expect(try await client.list(Pod.self, namespace: "team").items.isEmpty)
            #expect(try await client.list(ConfigMap.self, namespace: "team").items.isEmpty)
            #expect(try await client.list(ReplicaSet.self, namespace: "team").items.isEmpty)
            await #expect(throws: Status.self) { _ = try await client.create(settings) }
        }
    }

    @Test func `background deletion takes the owner first and its pods after it`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment())
            try await cluster.settle()
            try await cluster.client.delete(
                Deployment.self, namespace: "default", name: "web", propagation: .background)
            #expect(try await !cluster.exists(Deployment.self, name: "web"))
            try await cluster.run(for: .seconds(5))
            #expect(try await cluster.pods().isEmpty)
            #expect(try await cluster.client.list(ReplicaSet.self, namespace: "default").items.isEmpty)
        }
    }

    @Test func `foreground deletion keeps the owner until the last dependent is gone`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment())
            try await cluster.settle()
            let silent = try await cluster.pods()[0].spec.nodeName
            cluster.agents.silence(silent)
            try await cluster.client.delete(
                Deployment.self, namespace: "default", name: "web", propagation: .foreground)
            try await cluster.run(for: .seconds(3))
            #expect(try await cluster.exists(Deployment.self, name: "web"))
            #expect(try await cluster.pods().count == 1)
            try await cluster.agents.start(silent, cluster.client)
            try await cluster.run(for: .seconds(5))
            #expect(try await !cluster.exists(Deployment.self, name: "web"))
            #expect(try await cluster.pods().isEmpty)
        }
    }

    @Test func `orphaned dependents stay and have no owner`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment())
            try await cluster.settle()
            try await cluster.client.delete(Deployment.self, namespace: "default", name: "web", propagation: .orphan)
            try await cluster.run(for: .seconds(5))
            #expect(try await !cluster.exists(Deployment.self, name: "web"))
            let sets = try await cluster.client.list(ReplicaSet.self, namespace: "default").items
            #expect(sets.count == 1)
            #expect(sets.allSatisfy { $0.metadata.ownerReferences.isEmpty })
            #expect(try await cluster.ready().count == 3)
        }
    }
}
