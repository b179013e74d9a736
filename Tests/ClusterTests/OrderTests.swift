import Shared
import TestKit
import Testing

@testable import Master

/// What StatefulSets and DaemonSets promise of their order, whatever is lost on the way.
struct OrderTests {
    private static func template(_ app: String, _ image: String) -> JSON {
        [
            "metadata": ["labels": ["app": .string(app)]],
            "spec": ["containers": [["name": "main", "image": .string(image)]]],
        ]
    }
    private static func setImage<K: Kind>(
        _ kind: K.Type, _ name: String, _ image: String, _ cluster: InProcessCluster
    ) async throws {
        _ = try await cluster.client.patch(
            kind, namespace: "default", name: name, .strategic,
            ["spec": ["template": ["spec": ["containers": [["name": "main", "image": .string(image)]]]]]])
    }

    /// Pods came one after the other, each when all before it were ready, and went one at a time.
    private static func expectOrder(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        let sets = try await cluster.course(of: StatefulSet.self, in: "default")
        var live: [Int: Pod] = [:]
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let pod = step.object
            guard let ordinal = Int(pod.name.dropFirst("db-".count)) else { continue }
            if step.isCreation {
                let before = (0..<ordinal).filter { live[$0].map { $0.isActive && $0.isReady } ?? false }
                #expect(before.count == ordinal, "seed \(seed): \(pod.name) at \(step.revision) after \(before)")
            }
            if pod.metadata.isDeleting, live[ordinal].map({ !$0.metadata.isDeleting }) ?? false {
                // Those beyond the wanted count go from above, also while one below them goes to be updated; the
                // controller may not have seen the latest wish.
                let wishes = sets.filter { $0.revision < step.revision }.map(\.object.replicas)
                let kept = wishes.last.map { last in min(last, wishes.last { $0 != last } ?? last) } ?? 0
                let others = live.filter { $0.key != ordinal && $0.key < kept }
                let away = others.filter { !$0.value.isActive || !$0.value.isReady }.keys.sorted()
                #expect(away.isEmpty, "seed \(seed): \(pod.name) at \(step.revision) beside \(away)")
            }
            live[ordinal] = step.isRemoval ? nil : pod
        }
    }

    @Test(arguments: Array(Seeds.tried(6)) + [9])
    func `a stateful set grows, changes and shrinks one pod at a time`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 122)
            var replicas = 3
            var image = "run:0"
            var set = StatefulSet(name: "db", namespace: "default")
            set.json["spec"] = [
                "replicas": JSON(replicas), "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
                "template": OrderTests.template("db", image),
            ]
            _ = try await cluster.client.create(set)
            for round in 1...8 {
                switch random.next() % 6 {
                case 0, 1: try await cluster.restartMaster()
                case 5: cluster.setClock(&random)
                case 2:
                    image = "run:\(round)"
                    try await OrderTests.setImage(StatefulSet.self, "db", image, cluster)
                default:
                    replicas = Int(random.next() % 5)
                    _ = try await cluster.client.patch(
                        StatefulSet.self, namespace: "default", name: "db", .merge,
                        ["spec": ["replicas": JSON(replicas)]])
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 1500)))
            }
            try await cluster.run(for: .seconds(120))
            try await OrderTests.expectOrder(cluster, seed)
            let pods = try await cluster.ready("db").sorted { $0.name < $1.name }
            #expect(pods.map(\.name) == (0..<replicas).map { "db-\($0)" }, "seed \(seed)")
            #expect(pods.allSatisfy { $0.spec.containers.first?.image == image }, "seed \(seed)")
            let status = try await cluster.client.get(StatefulSet.self, namespace: "default", name: "db").status
            #expect(status.currentRevision == status.updateRevision, "seed \(seed)")
        }
    }

    /// No node had two pods that were to stay, and an update took no second pod before the first was replaced.
    private static func expectOnePerNode(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var live: [String: Pod] = [:]
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let pod = step.object
            let before = live[pod.metadata.uid]
            live[pod.metadata.uid] = step.isRemoval ? nil : pod
            let staying = live.values.filter(\.isActive)
            if step.isCreation {
                let nodes = staying.map { OrderTests.node(of: $0) }
                #expect(Set(nodes).count == nodes.count, "seed \(seed): two on a node at \(step.revision)")
            }
            if pod.metadata.isDeleting, before.map({ !$0.metadata.isDeleting }) ?? false,
                before?.isReady ?? false
            {
                let nodes = Set(live.values.map { OrderTests.node(of: $0) })
                let ready = staying.filter(\.isReady).count
                #expect(ready >= nodes.count - 1, "seed \(seed): \(pod.name) at \(step.revision)")
            }
        }
    }

    /// Pods of a DaemonSet name their node before they are bound to it.
    private static func node(of pod: Pod) -> String {
        let terms = pod.spec.json.at(
            "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
        return terms[0]["matchFields"][0]["values"][0].string ?? pod.spec.nodeName
    }

    @Test(arguments: Seeds.tried(6))
    func `a daemon set has one pod on each node and changes one at a time`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 133)
            var image = "run:0"
            var nodes = 3
            var set = DaemonSet(name: "ds", namespace: "default")
            set.json["spec"] = [
                "selector": ["matchLabels": ["app": "ds"]], "template": OrderTests.template("ds", image),
            ]
            _ = try await cluster.client.create(set)
            try await cluster.run(for: .seconds(10))
            for round in 1...8 {
                switch random.next() % 6 {
                case 0, 1: try await cluster.restartMaster()
                case 5: cluster.setClock(&random)
                case 2:
                    nodes += 1
                    try await cluster.agents.start("node-\(nodes)", cluster.client)
                default:
                    image = "run:\(round)"
                    try await OrderTests.setImage(DaemonSet.self, "ds", image, cluster)
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 1500)))
            }
            try await cluster.run(for: .seconds(120))
            try await OrderTests.expectOnePerNode(cluster, seed)
            let pods = try await cluster.ready("ds")
            #expect(Set(pods.map(\.spec.nodeName)).count == nodes && pods.count == nodes, "seed \(seed)")
            #expect(pods.allSatisfy { $0.spec.containers.first?.image == image }, "seed \(seed)")
            let status = try await cluster.client.get(DaemonSet.self, namespace: "default", name: "ds").json["status"]
            #expect(status["updatedNumberScheduled"].int == nodes, "seed \(seed)")
            #expect(status["numberAvailable"].int == nodes, "seed \(seed)")
        }
    }
}
