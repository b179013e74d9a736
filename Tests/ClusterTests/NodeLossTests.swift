import Shared
import Testing

struct NodeLossTests {
    @Test func `the pods of a lost node run elsewhere within twelve seconds`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 6))
            try await cluster.settle()
            try await cluster.run(for: .seconds(4))
            cluster.agents.silence("node-2")
            let took = try await cluster.time(until: .seconds(60)) {
                try await cluster.ready().filter { $0.spec.nodeName != "node-2" }.count == 6
            }
            let seconds = try #require(took).inSeconds
            // Eight seconds of grace less the time since the last renewal, and two that pods tolerate the taint.
            #expect(seconds >= 8 && seconds <= 12, "it took \(seconds) s")
            let node = try await cluster.client.get(Node.self, name: "node-2")
            #expect(node.condition("Ready")?.status == "Unknown")
            #expect(node.taints.contains { $0.key == "node.kubernetes.io/unreachable" && $0.effect == "NoExecute" })
        }
    }

    @Test func `a node that returns late lets its old pods go and takes new ones`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 6))
            try await cluster.settle()
            cluster.agents.silence("node-2")
            try await cluster.run(for: .seconds(60))
            let leaving = try await cluster.pods().filter { $0.metadata.isDeleting }
            #expect(leaving.count == 2)
            #expect(leaving.allSatisfy { $0.spec.nodeName == "node-2" })

            try await cluster.agents.start("node-2", cluster.client)
            try await cluster.run(for: .seconds(10))
            let pods = try await cluster.pods()
            #expect(pods.count == 6)
            #expect(pods.allSatisfy { !$0.metadata.isDeleting })
            let node = try await cluster.client.get(Node.self, name: "node-2")
            #expect(node.isReady)
            #expect(node.taints.isEmpty)
            _ = try await cluster.client.patch(
                Deployment.self, namespace: "default", name: "web", .merge, ["spec": ["replicas": 9]])
            try await cluster.settle()
            #expect(try await cluster.ready().contains { $0.spec.nodeName == "node-2" })
        }
    }

    @Test func `nobody is evicted when all nodes are lost at once`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 6))
            try await cluster.settle()
            let before = Set(try await cluster.pods().map(\.name))
            cluster.agents.silence("node-1", "node-2", "node-3")
            try await cluster.run(for: .seconds(300))
            let pods = try await cluster.pods()
            #expect(Set(pods.map(\.name)) == before)
            #expect(pods.allSatisfy { !$0.metadata.isDeleting })
            for node in ["node-1", "node-2", "node-3"] { try await cluster.agents.start(node, cluster.client) }
            try await cluster.run(for: .seconds(30))
            #expect(Set(try await cluster.pods().map(\.name)) == before)
        }
    }

    @Test func `a laptop that slept for an hour evicts nothing`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 6))
            try await cluster.settle()
            try await cluster.run(for: .seconds(7))
            let before = Set(try await cluster.pods().map(\.metadata.uid))
            cluster.clock.jump(by: .seconds(3600))
            try await cluster.run(for: .seconds(60))
            let pods = try await cluster.pods()
            #expect(Set(pods.map(\.metadata.uid)) == before)
            #expect(pods.allSatisfy { !$0.metadata.isDeleting })
            for node in try await cluster.client.list(Node.self).items { #expect(node.isReady, "\(node.name)") }
        }
    }

    @Test func `with two of three nodes gone the third takes all pods`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 6))
            try await cluster.settle()
            cluster.agents.silence("node-1", "node-2")
            let took = try await cluster.time(until: .seconds(60)) {
                try await cluster.ready().filter { $0.spec.nodeName == "node-3" }.count == 6
            }
            #expect(try #require(took).inSeconds <= 14)
        }
    }
}
