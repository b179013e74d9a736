import Shared
import TestKit
import Testing

@testable import Master

/// Addresses: of load balancers, of ingresses, and the parts of the pod network that nodes have.
struct EdgeTests {
    private static func balancer(_ name: String, port: UInt64) -> ClusterService {
        var service = ClusterService(name: name, namespace: "default")
        service.json["spec"] = [
            "type": "LoadBalancer", "selector": ["app": .string(name)], "ports": [["port": JSON(Int(port))]],
        ]
        return service
    }
    private static func ingress(_ name: String) -> Ingress {
        var ingress = Ingress(name: name, namespace: "default")
        ingress.json["spec"] = ["defaultBackend": ["service": ["name": "b0", "port": ["number": 8000]]]]
        return ingress
    }
    private static func port(_ service: ClusterService) -> Int { service.ports.first?["port"].int ?? 0 }
    private static func addresses(_ json: JSON) -> [String] {
        json.at("status", "loadBalancer", "ingress").items.compactMap { $0["ip"].string }
    }

    private static func act(_ random: inout Seed, _ cluster: InProcessCluster) async throws {
        let client = cluster.client
        let name = "b\(random.next() % 5)"
        let node = "n\(random.next() % 4)"
        switch random.next() % 11 {
        case 0: try await cluster.restartMaster()
        case 1: try await client.delete(ClusterService.self, namespace: "default", name: name)
        case 2: try await client.delete(Node.self, name: node)
        case 3, 4: try await cluster.agents.start(node, client)
        case 5:
            let ready = Condition("Ready", random.next() % 2 == 0, since: cluster.clock.now())
            _ = try await client.patch(
                Node.self, name: node, subresource: "status", .strategic, ["status": ["conditions": [ready.json]]])
        case 6:
            _ = try await client.patch(
                ClusterService.self, namespace: "default", name: name, .merge,
                ["spec": ["type": random.next() % 2 == 0 ? "ClusterIP" : "LoadBalancer"]])
        case 7: _ = try await client.create(ingress("i\(random.next() % 3)"))
        case 8: try await client.delete(Ingress.self, namespace: "default", name: "i\(random.next() % 3)")
        default: _ = try await client.create(balancer(name, port: 8000 + random.next() % 3))
        }
    }

    /// A node keeps its part of the pod network, which no other node has at the same time.
    private static func expectOwnBlocks(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var blocks: [String: String] = [:]
        for step in try await cluster.course(of: Node.self) {
            let (uid, block) = (step.object.metadata.uid, step.object.podCIDR)
            if step.isRemoval { blocks[uid] = nil }
            if step.isRemoval || block.isEmpty { continue }
            #expect(blocks[uid, default: block] == block, "seed \(seed): \(step.object.name) at \(step.revision)")
            let others = blocks.filter { $0.key != uid && $0.value == block }
            #expect(others.isEmpty, "seed \(seed): \(block) of \(step.object.name) at \(step.revision)")
            blocks[uid] = block
        }
    }

    /// No service is given a port that another one is served on.
    private static func expectFaith(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var served: [String: ClusterService] = [:]
        for step in try await cluster.course(of: ClusterService.self, in: "default") {
            let service = step.object
            let uid = service.metadata.uid
            let isServed = !step.isRemoval && !addresses(service.json).isEmpty
            if isServed, served[uid] == nil, service.type == "LoadBalancer" {
                let others = served.values.filter { $0.type == "LoadBalancer" && port($0) == port(service) }
                #expect(
                    others.isEmpty, "seed \(seed): \(service.name) and \(others.map(\.name)) at \(step.revision)")
            }
            served[uid] = isServed ? service : nil
        }
    }

    @Test(arguments: Seeds.tried(6))
    func `addresses are those of the ready nodes and no two services share a port`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 8)) { cluster in
            var random = Seed(seed &+ 199)
            for _ in 0..<18 {
                try await cluster.tolerantly([.alreadyExists]) { try await EdgeTests.act(&random, cluster) }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 500)))
            }
            try await cluster.run(for: .seconds(30))
            try await EdgeTests.expectOwnBlocks(cluster, seed)
            try await EdgeTests.expectFaith(cluster, seed)

            let nodes = try await cluster.client.list(Node.self).items
            #expect(nodes.allSatisfy { !$0.podCIDR.isEmpty }, "seed \(seed)")
            let ready = nodes.filter(\.isReady).map { $0.address("InternalIP") }
            let services = try await cluster.client.list(ClusterService.self, namespace: "default").items
            for service in services where service.name.hasPrefix("b") {
                let own = EdgeTests.addresses(service.json)
                let rivals = services.filter {
                    $0.type == "LoadBalancer" && EdgeTests.port($0) == EdgeTests.port(service)
                }
                if service.type != "LoadBalancer" {
                    #expect(own.isEmpty, "seed \(seed): \(service.name)")
                } else if rivals.count == 1 {
                    #expect(own == ready, "seed \(seed): \(service.name)")
                } else {
                    let served = rivals.filter { !EdgeTests.addresses($0.json).isEmpty }
                    #expect(served.count == (ready.isEmpty ? 0 : 1), "seed \(seed): \(rivals.map(\.name))")
                }
            }
            for ingress in try await cluster.client.list(Ingress.self, namespace: "default").items {
                #expect(EdgeTests.addresses(ingress.json) == ready, "seed \(seed): \(ingress.name)")
            }
        }
    }
}
