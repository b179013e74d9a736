import Shared
import TestKit
import Testing

@testable import Master

struct OwnershipTests {
    /// Maps that own each other: each has up to two owners among those before it.
    private static func plant(_ cluster: InProcessCluster, _ random: inout Seed) async throws -> [ConfigMap] {
        var made: [ConfigMap] = []
        for number in 0..<14 {
            var map = ConfigMap(name: "m\(number)", namespace: "default")
            var owners: [JSON] = []
            for _ in 0..<(made.count < 3 ? 0 : Int(random.next() % 3)) {
                let owner = made[Int(random.next() % UInt64(made.count))]
                if owners.contains(where: { $0["uid"].string == owner.metadata.uid }) { continue }
                owners.append([
                    "apiVersion": "v1", "kind": "ConfigMap", "name": .string(owner.name),
                    "uid": .string(owner.metadata.uid), "blockOwnerDeletion": .bool(random.next() % 2 == 0),
                ])
            }
            if !owners.isEmpty { map.json["metadata"]["ownerReferences"] = .array(owners) }
            made.append(try await cluster.client.create(map))
        }
        return made
    }

    /// Whatever the collector took had lost all of its owners, and owners in the foreground went after what they waited
    /// for.
    /// - Parameter hurried: names of those that were deleted once more: the last word decides what they wait for.
    private static func expectOrder(
        _ cluster: InProcessCluster, deletedByName named: Set<String>, hurried: Set<String>, _ seed: UInt64
    ) async throws {
        var live: [String: ConfigMap] = [:]
        for step in try await cluster.course(of: ConfigMap.self, in: "default") {
            let map = step.object
            let uid = map.metadata.uid
            let before = live[uid]
            let isFirstSign =
                before.map { !$0.metadata.isDeleting } ?? false
                && (step.isRemoval || map.metadata.isDeleting)
            if isFirstSign, !named.contains(map.name) {
                let owners = before?.metadata.ownerReferences ?? []
                let isKept = owners.contains { reference in
                    guard let owner = live[reference.uid]?.metadata else { return false }
                    return !(owner.isDeleting && owner.finalizers.contains(CollectionStep.foregroundFinalizer))
                }
                #expect(!owners.isEmpty && !isKept, "seed \(seed): \(map.name) at \(step.revision)")
            }
            if step.isRemoval, let before, !hurried.contains(map.name),
                before.metadata.finalizers.contains(CollectionStep.foregroundFinalizer)
            {
                let waiting = live.values.filter { other in
                    other.metadata.ownerReferences.contains { $0.uid == uid && $0.blocksOwnerDeletion }
                }
                #expect(waiting.isEmpty, "seed \(seed): \(map.name) left \(waiting.map(\.name))")
            }
            live[uid] = step.isRemoval ? nil : map
        }
    }

    // The seeds at the end found owners that waited for dependents which had let go of them.
    @Test(arguments: Array(Seeds.tried(6)) + [37, 47, 76])
    func `nothing stays without its owners and nothing goes before them`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 12)) { cluster in
            var random = Seed(seed &+ 33)
            let made = try await OwnershipTests.plant(cluster, &random)
            var named: Set<String> = []
            var hurried: Set<String> = []
            let policies: [Client.Propagation] = [.background, .foreground, .orphan]
            for _ in 0..<5 {
                let map = made[Int(random.next() % UInt64(made.count))]
                let policy = policies[Int(random.next() % 3)]
                if !named.insert(map.name).inserted { hurried.insert(map.name) }
                try await cluster.tolerantly {
                    try await cluster.client.delete(
                        ConfigMap.self, namespace: "default", name: map.name, propagation: policy)
                }
                switch random.next() % 8 {
                case 0, 1: try await cluster.restartMaster()
                case 2: cluster.setClock(&random)
                default: break
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 400)))
            }
            try await cluster.run(for: .seconds(60))
            let left = try await cluster.client.list(ConfigMap.self, namespace: "default").items
            let uids = Set(left.map(\.metadata.uid))
            for map in left {
                #expect(!map.metadata.isDeleting, "seed \(seed): \(map.name) never went")
                #expect(
                    map.metadata.ownerReferences.allSatisfy { uids.contains($0.uid) },
                    "seed \(seed): \(map.name) names an owner that is gone")
            }
            try await OwnershipTests.expectOrder(cluster, deletedByName: named, hurried: hurried, seed)
        }
    }

    @Test func `nothing is made in a namespace after it began to go`() async throws {
        try await InProcessCluster.with(parts: .server) { cluster in
            let client = cluster.client
            _ = try await client.create(Namespace(name: "team"))
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { try await client.delete(Namespace.self, name: "team") }
                for number in 0..<5 {
                    group.addTask {
                        do {
                            _ = try await client.create(ConfigMap(name: "m\(number)", namespace: "team"))
                        } catch let status as Status where status.reason == .forbidden {}
                    }
                }
            }
            let course = try await cluster.course(of: Namespace.self)
            let end = try #require(course.first { $0.object.name == "team" && $0.object.metadata.isDeleting })
            let maps = try await cluster.course(of: ConfigMap.self, in: "team")
            #expect(maps.allSatisfy { $0.revision < end.revision })
        }
    }

    @Test(arguments: Seeds.tried(4))
    func `a namespace goes with all that is in it and nothing else`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 44)
            for namespace in ["team", "other"] {
                _ = try await cluster.client.create(Namespace(name: namespace))
                try await cluster.settle()
                var deployment = InProcessCluster.deployment()
                deployment.metadata.namespace = namespace
                _ = try await cluster.client.create(deployment)
                for number in 0..<Int(random.next() % 6) {
                    _ = try await cluster.client.create(ConfigMap(name: "m\(number)", namespace: namespace))
                }
                var held = Secret(name: "held", namespace: namespace)
                held.metadata.finalizers = ["example.com/hold"]
                _ = try await cluster.client.create(held)
            }
            try await cluster.run(for: .milliseconds(Int64(random.next() % 3000)))
            try await cluster.client.delete(Namespace.self, name: "team")
            for _ in 0..<3 {
                try await cluster.run(for: .milliseconds(Int64(random.next() % 3000)))
                if random.next() % 2 == 0 { try await cluster.restartMaster() }
                let isThere = try await cluster.exists(Namespace.self, namespace: "", name: "team")
                #expect(isThere, "seed \(seed): a secret in it is held")
            }
            try await cluster.run(for: .seconds(30))
            _ = try await cluster.client.patch(
                Secret.self, namespace: "team", name: "held", .merge, ["metadata": ["finalizers": nil]])
            try await cluster.run(for: .seconds(120))
            let isThere = try await cluster.exists(Namespace.self, namespace: "", name: "team")
            #expect(!isThere, "seed \(seed)")
            let store = cluster.plane.store
            for resource in store.counts().keys.sorted() {
                let left = store.list(resource, namespace: "team").items
                #expect(left.isEmpty, "seed \(seed): \(left.map(\.key.description))")
            }
            let others = try await cluster.client.list(Pod.self, namespace: "other").items
            #expect(others.filter(\.isReady).count == 3, "seed \(seed)")
            #expect(try await cluster.exists(Secret.self, namespace: "other", name: "held"), "seed \(seed)")
        }
    }
}
