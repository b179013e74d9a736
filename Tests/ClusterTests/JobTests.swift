import Shared
import TestKit
import Testing

@testable import Master

/// Jobs on a bad network, whose master falls while their pods end.
struct JobTests {
    private static func job(_ image: String) -> Job {
        var job = Job(name: "sum", namespace: "default")
        job.json["spec"] = [
            "completions": 6, "parallelism": 3, "backoffLimit": 100,
            "template": [
                "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": .string(image)]]]
            ],
        ]
        return job
    }

    @Test(arguments: Seeds.tried(12))
    func `a job counts each of its pods once although its master falls`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 99)
            var job = JobTests.job("done:1")
            if seed % 2 == 0 { job.json["spec"]["completionMode"] = "Indexed" }
            _ = try await cluster.client.create(job)
            for _ in 0..<4 {
                try await cluster.run(for: .milliseconds(Int(random.next() % 800)))
                try await cluster.restartMaster()
            }
            try await cluster.run(for: .seconds(300))
            let end = try await cluster.client.get(Job.self, namespace: "default", name: "sum").status
            #expect(end.finish?.type == "Complete", "seed \(seed)")
            #expect(end.succeeded == 6, "seed \(seed)")
            #expect(end.uncounted.succeeded.isEmpty && end.uncounted.failed.isEmpty, "seed \(seed)")
            #expect(cluster.agents.succeeded.count >= 6, "seed \(seed)")
            let pods = try await cluster.client.list(Pod.self, namespace: "default").items
            #expect(pods.allSatisfy { !$0.isTracked }, "seed \(seed)")
        }
    }

    // MARK: Pods that end as the seed wants

    /// Ends some of the pods that have a node.
    private static func end(_ cluster: InProcessCluster, as fate: () -> FakeAgents.PodState?) async throws {
        for pod in try await cluster.client.list(Pod.self, namespace: "default").items
        where pod.isActive && !pod.spec.nodeName.isEmpty {
            guard let fate = fate() else { continue }
            try await cluster.tolerantly { try await cluster.agents.move(pod, to: fate, cluster.client) }
        }
    }

    /// How many pods succeeded and failed. What becomes of a pod after its job has given it up counts as nothing.
    private static func ends(_ cluster: InProcessCluster) async throws -> (succeeded: Int, failed: Int) {
        var (known, succeeded, failed): (Set<String>, Int, Int) = ([], 0, 0)
        for step in try await cluster.course(of: Pod.self, in: "default") where step.object.isFinished {
            guard known.insert(step.object.metadata.uid).inserted, step.object.isTracked else { continue }
            if step.object.status.phase == .succeeded { succeeded += 1 } else { failed += 1 }
        }
        return (succeeded, failed)
    }

    /// Never more pods at once than may run, none twice of an index, and counts that only grow.
    private static func expectBounds(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        let jobs = try await cluster.course(of: Job.self, in: "default")
        var counts = (succeeded: 0, failed: 0)
        for step in jobs where !step.isRemoval {
            let status = step.object.status
            #expect(
                status.succeeded >= counts.succeeded && status.failed >= counts.failed,
                "seed \(seed): counted back at \(step.revision)")
            counts = (status.succeeded, status.failed)
        }
        var active: [String: Pod] = [:]
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let pod = step.object
            if step.isCreation {
                let wishes = InProcessCluster.known(jobs, before: step.revision) { $0.isSuspended ? 0 : $0.parallelism }
                #expect(active.count < wishes.max() ?? 0, "seed \(seed): \(pod.name) at \(step.revision)")
                if let index = pod.completionIndex {
                    let same = active.values.filter { $0.completionIndex == index }.map(\.name)
                    #expect(same.isEmpty, "seed \(seed): \(pod.name) beside \(same)")
                }
            }
            active[pod.metadata.uid] = step.isRemoval || !pod.isActive ? nil : pod
        }
    }

    @Test(arguments: Seeds.tried(8))
    func `a job counts what its pods came to and runs no more than it may`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 1)) { cluster in
            var random = Seed(seed &+ 222)
            var job = JobTests.job("stuck:1")
            if seed % 2 == 0 { job.json["spec"]["completionMode"] = "Indexed" }
            if seed % 3 == 0 { job.json["spec"]["podReplacementPolicy"] = "Failed" }
            if seed % 4 == 0 { job.json["spec"]["backoffLimitPerIndex"] = 20 }
            job.json["spec"]["ttlSecondsAfterFinished"] = 300
            _ = try await cluster.client.create(job)
            func current() async throws -> Job {
                try await cluster.client.get(Job.self, namespace: "default", name: "sum")
            }
            for _ in 0..<8 {
                try await cluster.tolerantly {
                    switch random.next() % 7 {
                    case 0, 1: try await cluster.restartMaster()
                    case 6: if try await !current().isFinished { cluster.setClock(&random) }
                    case 2:
                        _ = try await cluster.client.patch(
                            Job.self, namespace: "default", name: "sum", .merge,
                            ["spec": ["suspend": .bool(random.next() % 2 == 0)]])
                    case 3:
                        _ = try await cluster.client.patch(
                            Job.self, namespace: "default", name: "sum", .merge,
                            ["spec": ["parallelism": JSON(Int(random.next() % 5))]])
                    default: break
                    }
                }
                try await JobTests.end(cluster) {
                    [nil, .running, .failed, .succeeded][Int(random.next() % 4)]
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 20_000)))
            }
            if try await !current().isFinished {
                _ = try await cluster.client.patch(
                    Job.self, namespace: "default", name: "sum", .merge,
                    ["spec": ["suspend": false, "parallelism": 3]])
            }
            // Pods that failed are followed after ten minutes at the latest.
            for _ in 0..<40 where try await !current().isFinished {
                try await JobTests.end(cluster) { .succeeded }
                try await cluster.run(for: .seconds(45))
            }
            try await JobTests.expectBounds(cluster, seed)
            let status = try await current().status
            #expect(status.finish?.type == "Complete", "seed \(seed)")
            let ends = try await JobTests.ends(cluster)
            #expect(status.succeeded == 6 && ends.succeeded == 6, "seed \(seed)")
            #expect(status.failed == ends.failed, "seed \(seed)")
            #expect(status.active == 0 && status.terminating == 0, "seed \(seed)")
            if seed % 2 == 0 { #expect(status.completedIndexes == "0-5", "seed \(seed)") }

            // It stays as long as it was told to, and takes its pods with it.
            let finished = try #require(status.finish?.lastTransitionTime)
            try await cluster.run(for: finished + .seconds(298) - cluster.clock.now())
            #expect(try await cluster.exists(Job.self, name: "sum"), "seed \(seed)")
            try await cluster.run(for: .seconds(30))
            #expect(try await !cluster.exists(Job.self, name: "sum"), "seed \(seed)")
            #expect(try await cluster.client.list(Pod.self, namespace: "default").items.isEmpty, "seed \(seed)")
        }
    }
}
