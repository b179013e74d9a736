import Shared
import TestKit
import Testing

@testable import Master

struct EndpointTests {
    private static func service() -> ClusterService {
        var service = ClusterService(name: "web", namespace: "default")
        service.json["spec"] = ["selector": ["app": "web"], "ports": [["port": 80]]]
        return service
    }

    /// Address → whether it is ready, as slices tell it; every address once.
    private static func slices(_ cluster: InProcessCluster, _ seed: UInt64) async throws -> [String: Bool] {
        var places: [String: Bool] = [:]
        for slice in try await cluster.client.list(EndpointSlice.self, namespace: "default").items
        where slice.metadata.labels[EndpointSlice.serviceLabel] == "web" {
            #expect(slice.endpoints.count <= 100, "seed \(seed)")
            for endpoint in slice.endpoints where !endpoint.isTerminating {
                for address in endpoint.addresses {
                    #expect(places[address] == nil, "seed \(seed): \(address) twice")
                    places[address] = endpoint.isReady
                }
            }
        }
        return places
    }

    /// The same as the object of older clients tells it.
    private static func subsets(_ cluster: InProcessCluster) async throws -> [String: Bool] {
        var places: [String: Bool] = [:]
        let endpoints = try await cluster.client.get(Endpoints.self, namespace: "default", name: "web")
        for subset in endpoints.json["subsets"].items {
            for (list, isReady) in [("addresses", true), ("notReadyAddresses", false)] {
                for address in subset[list].items { places[address["ip"].string ?? ""] = isReady }
            }
        }
        return places
    }

    @Test(arguments: Seeds.tried(6))
    func `endpoints and slices tell the addresses of the pods that are there`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 55)
            _ = try await cluster.client.create(EndpointTests.service())
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 5))
            for _ in 0..<10 {
                let pods = try await cluster.pods()
                let chosen = pods.isEmpty ? nil : pods[Int(random.next() % UInt64(pods.count))]
                try await cluster.tolerantly {
                    switch random.next() % 8 {
                    case 0: try await cluster.restartMaster()
                    case 7: cluster.setClock(&random)
                    case 1:
                        guard let chosen, !chosen.spec.nodeName.isEmpty else { break }
                        try await cluster.agents.move(
                            chosen, to: chosen.isReady ? .unready : .running, cluster.client)
                    case 2:
                        guard let chosen, !chosen.spec.nodeName.isEmpty else { break }
                        try await cluster.agents.move(chosen, to: .failed, cluster.client)
                    case 3:
                        guard let chosen else { break }
                        try await cluster.client.delete(Pod.self, namespace: "default", name: chosen.name)
                    case 4:
                        guard let chosen else { break }
                        let app: JSON = chosen.metadata.labels["app"] == "web" ? "none" : "web"
                        _ = try await cluster.client.patch(
                            Pod.self, namespace: "default", name: chosen.name, .merge,
                            ["metadata": ["labels": ["app": app]]])
                    case 5:
                        try await cluster.client.delete(ClusterService.self, namespace: "default", name: "web")
                        if random.next() % 2 == 0 { try await cluster.run(for: .milliseconds(300)) }
                        _ = try await cluster.client.create(EndpointTests.service())
                    default:
                        _ = try await cluster.client.patch(
                            Deployment.self, namespace: "default", name: "web", .merge,
                            ["spec": ["replicas": JSON(Int(random.next() % 7))]])
                    }
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 1500)))
            }
            try await cluster.run(for: .seconds(60))
            let expected = try await cluster.pods().filter { $0.isActive && !$0.status.podIP.isEmpty }
                .map { ($0.status.podIP, $0.isReady) }
            let places = Dictionary(uniqueKeysWithValues: expected)
            #expect(try await EndpointTests.slices(cluster, seed) == places, "seed \(seed)")
            #expect(try await EndpointTests.subsets(cluster) == places, "seed \(seed)")

            try await cluster.client.delete(ClusterService.self, namespace: "default", name: "web")
            try await cluster.run(for: .seconds(30))
            #expect(try await EndpointTests.slices(cluster, seed).isEmpty, "seed \(seed)")
            #expect(try await !cluster.exists(Endpoints.self, name: "web"), "seed \(seed)")
        }
    }

    // MARK: Written by hand

    private static func subset(_ random: inout Seed) -> JSON {
        let addresses = (0..<random.next() % 5).map { "10.1.0.\($0 + random.next() % 3 * 5 + 1)" }
        return [
            "subsets": .array(
                addresses.isEmpty
                    ? []
                    : [
                        [
                            "addresses": .array(addresses.map { ["ip": .string($0)] }),
                            "ports": [["port": JSON(Int(random.next() % 2) + 80), "protocol": "TCP"]],
                        ]
                    ])
        ]
    }

    @Test(arguments: Seeds.tried(6))
    func `endpoints that are written by hand are told by slices as long as their service selects nothing`(
        seed: UInt64
    ) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 8)) { cluster in
            var random = Seed(seed &+ 66)
            let path = Endpoints.type.path(namespace: "default", name: "hand")
            func service() -> ClusterService {
                var service = ClusterService(name: "hand", namespace: "default")
                service.json["spec"] = ["ports": [["port": 80]]]
                return service
            }
            _ = try await cluster.client.create(service())
            for _ in 0..<14 {
                try await cluster.tolerantly([.alreadyExists]) {
                    switch random.next() % 9 {
                    case 0: try await cluster.restartMaster()
                    case 1: try await cluster.client.delete(Endpoints.self, namespace: "default", name: "hand")
                    case 2: try await cluster.client.delete(ClusterService.self, namespace: "default", name: "hand")
                    case 3: _ = try await cluster.client.create(service())
                    case 4:
                        let label: JSON = random.next() % 2 == 0 ? .null : "true"
                        _ = try await cluster.client.patch(
                            Endpoints.self, namespace: "default", name: "hand", .merge,
                            ["metadata": ["labels": [MirrorPlan.skipLabel: label]]])
                    case 5, 6:
                        var endpoints = Endpoints(name: "hand", namespace: "default")
                        endpoints.json["subsets"] = EndpointTests.subset(&random)["subsets"]
                        _ = try await cluster.client.create(endpoints)
                    default:
                        _ = try await cluster.client.call(
                            "PATCH", path, body: EndpointTests.subset(&random),
                            contentType: Client.PatchFormat.merge.rawValue)
                    }
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 400)))
            }
            try await cluster.run(for: .seconds(30))
            var expected: [String: Int] = [:]
            let hasService = try await cluster.exists(ClusterService.self, name: "hand")
            let list = try await cluster.client.list(Endpoints.self, namespace: "default").items
            if hasService, let endpoints = list.first(where: { $0.name == "hand" }),
                endpoints.metadata.labels[MirrorPlan.skipLabel] != "true"
            {
                for subset in endpoints.json["subsets"].items {
                    for address in subset["addresses"].items {
                        expected[address["ip"].string ?? ""] = subset["ports"][0]["port"].int
                    }
                }
            }
            var told: [String: Int] = [:]
            for slice in try await cluster.client.list(EndpointSlice.self, namespace: "default").items
            where slice.metadata.labels[EndpointSlice.serviceLabel] == "hand" {
                for address in slice.endpoints.flatMap(\.addresses) {
                    #expect(told[address] == nil, "seed \(seed): \(address) twice")
                    told[address] = slice.ports.first?["port"].int
                }
            }
            #expect(told == expected, "seed \(seed)")
        }
    }
}
