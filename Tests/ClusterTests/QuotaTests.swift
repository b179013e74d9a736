import Shared
import TestKit
import Testing

@testable import Master

struct QuotaTests {
    private static let most = 6

    private static func quota(_ hard: JSON) -> ResourceQuota {
        var quota = ResourceQuota(name: "q", namespace: "default")
        quota.json["spec"] = ["hard": hard]
        return quota
    }
    private static func pod(_ name: String) -> Pod {
        var pod = Pod(name: name, namespace: "default")
        pod.json["spec"] = [
            "containers": [
                ["name": "c", "image": "run:1", "resources": ["requests": ["cpu": "100m"], "limits": ["cpu": "1"]]]
            ]
        ]
        return pod
    }

    /// Asks for several pods and secrets at once.
    /// - Returns: how many were let in.
    private static func create(_ round: Int, count: Int, in cluster: InProcessCluster) async throws -> Int {
        let client = cluster.client
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<count {
                group.addTask {
                    do {
                        if number % 3 == 2 {
                            _ = try await client.create(Secret(name: "s\(round)-\(number)", namespace: "default"))
                        } else {
                            _ = try await client.create(pod("p\(round)-\(number)"))
                        }
                        return true
                    } catch let status as Status where status.reason == .forbidden {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    /// No revision of the quota says less than what was there at that revision.
    private static func expectExact(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var live: Set<String> = []
        let pods = try await cluster.course(of: Pod.self, in: "default")
        var next = pods.startIndex
        for step in try await cluster.course(of: ResourceQuota.self, in: "default") {
            while next < pods.endIndex, pods[next].revision < step.revision {
                let pod = pods[next]
                if pod.isRemoval || pod.object.isFinished {
                    live.remove(pod.object.name)
                } else {
                    live.insert(pod.object.name)
                }
                #expect(live.count <= most, "seed \(seed): admission at \(pod.revision)")
                next += 1
            }
            guard let used = step.object.json["status"]["used"]["pods"].string.flatMap({ Int($0) }) else { continue }
            #expect(used >= live.count && used <= most, "seed \(seed): the quota at \(step.revision)")
        }
    }

    @Test(arguments: Array(Seeds.tried(6)) + [92])
    func `a count is never behind what admission let in`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 11)
            _ = try await cluster.client.create(QuotaTests.quota(["pods": "6", "requests.cpu": "10"]))
            if seed % 2 == 0 { try await cluster.settle() }
            for round in 0..<8 {
                let pods = try await cluster.client.list(Pod.self, namespace: "default").items
                let chosen = pods.isEmpty ? nil : pods[Int(random.next() % UInt64(pods.count))]
                switch random.next() % 6 {
                case 0: try await cluster.restartMaster()
                case 5: cluster.setClock(&random)
                case 1:
                    // A limit more: its first count comes while others ask for what it limits.
                    _ = try await cluster.client.patch(
                        ResourceQuota.self, namespace: "default", name: "q", .merge,
                        ["spec": ["hard": ["secrets": "9", "limits.cpu": "8"]]])
                case 2:
                    guard let chosen, !chosen.spec.nodeName.isEmpty else { break }
                    try await cluster.tolerantly {
                        try await cluster.agents.move(chosen, to: .succeeded, cluster.client)
                    }
                default:
                    for pod in pods.prefix(Int(random.next() % 4)) {
                        try await cluster.tolerantly {
                            try await cluster.client.delete(Pod.self, namespace: "default", name: pod.name)
                        }
                    }
                }
                _ = try await QuotaTests.create(round, count: Int(random.next() % 9) + 1, in: cluster)
                try await cluster.run(for: .milliseconds(Int64(random.next() % 600)))
            }
            try await cluster.run(for: .seconds(60))
            try await QuotaTests.expectExact(cluster, seed)
            let live = try await cluster.client.list(Pod.self, namespace: "default").items.filter { !$0.isFinished }
            let secrets = try await cluster.client.list(Secret.self, namespace: "default").items
            let quota = try await cluster.client.get(ResourceQuota.self, namespace: "default", name: "q")
            let used = quota.json["status"]["used"]
            #expect(used["pods"].string == "\(live.count)", "seed \(seed)")
            #expect(
                used["requests.cpu"].string.flatMap { Quantity($0) } == Quantity("\(live.count * 100)m"),
                "seed \(seed)")
            guard !quota.json["spec"]["hard"]["secrets"].isNull else { return }
            #expect(used["secrets"].string == "\(secrets.count)", "seed \(seed)")
            #expect(
                used["limits.cpu"].string.flatMap { Quantity($0) } == Quantity("\(live.count)"), "seed \(seed)")
        }
    }

    @Test func `a quota is charged from the moment on that it is there`() async throws {
        try await InProcessCluster.with(parts: .server) { cluster in
            let client = cluster.client
            // Asked for at the same time: whatever comes after the quota counts, and no controller has counted yet.
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { _ = try await client.create(QuotaTests.quota(["pods": "2"])) }
                group.addTask { _ = try await QuotaTests.create(0, count: 9, in: cluster) }
            }
            let course = try await cluster.course(of: ResourceQuota.self, in: "default")
            let made = try #require(course.first).revision
            let pods = try await cluster.course(of: Pod.self, in: "default")
            #expect(pods.count { $0.revision > made } <= 2)
            let late = pods.last.map { $0.revision > made } ?? false
            #expect(course.last?.object.json["status"]["used"]["pods"].string == (late ? "\(pods.count)" : nil))
        }
    }
}
