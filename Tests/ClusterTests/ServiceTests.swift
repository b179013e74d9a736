import Shared
import Testing

struct ServiceTests {
    private static func addresses(_ cluster: InProcessCluster) async throws -> (ready: [String], notReady: [String]) {
        let slices = try await cluster.client.list(EndpointSlice.self, namespace: "default").items
            .filter { $0.metadata.labels[EndpointSlice.serviceLabel] == "web" }
        let endpoints = slices.flatMap { $0.json["endpoints"].items }
        let isReady = { (endpoint: JSON) in endpoint["conditions"]["ready"].bool ?? true }
        return (
            endpoints.filter(isReady).compactMap { $0["addresses"][0].string }.sorted(),
            endpoints.filter { !isReady($0) }.compactMap { $0["addresses"][0].string }.sorted()
        )
    }

    @Test func `endpoints follow the readiness of pods`() async throws {
        try await InProcessCluster.with { cluster in
            var service = ClusterService(name: "web", namespace: "default")
            service.json["spec"] = ["selector": ["app": "web"], "ports": [["port": 80]]]
            _ = try await cluster.client.create(service)
            _ = try await cluster.client.create(InProcessCluster.deployment())
            try await cluster.settle()
            let pods = try await cluster.ready()
            #expect(try await ServiceTests.addresses(cluster).ready == pods.map(\.status.podIP).sorted())

            let sick = pods[0]
            let condition = Condition("Ready", false, since: cluster.clock.now())
            _ = try await cluster.client.patch(
                Pod.self, namespace: "default", name: sick.name, subresource: "status", .strategic,
                ["status": ["conditions": [condition.json]]])
            try await cluster.settle()
            let split = try await ServiceTests.addresses(cluster)
            #expect(split.ready == pods.dropFirst().map(\.status.podIP).sorted())
            #expect(split.notReady == [sick.status.podIP])

            cluster.agents.silence(pods[1].spec.nodeName)
            try await cluster.run(for: .seconds(9))
            #expect(try await !ServiceTests.addresses(cluster).ready.contains(pods[1].status.podIP))
        }
    }
}
