import Shared
import TestKit
import Testing

struct JobRestartTests {
    private static func job(completions: Int, parallelism: Int, image: String = "done:1") -> Job {
        var job = Job(name: "count", namespace: "default")
        job.json["spec"] = [
            "completions": JSON(completions), "parallelism": JSON(parallelism),
            "template": [
                "spec": [
                    "restartPolicy": "Never", "containers": [["name": "main", "image": .string(image)]],
                ]
            ],
        ]
        return job
    }

    @Test(arguments: (1...8).map { Seed(UInt64($0)) })
    func `every completion counts exactly once although the master dies in between`(seed: Seed) async throws {
        var random = seed
        let faults = InProcessCluster.Faults(seed: seed, oneIn: 12)
        try await InProcessCluster.with(faults: faults) { cluster in
            _ = try await cluster.client.create(JobRestartTests.job(completions: 12, parallelism: 3))
            for _ in 0..<4 {
                // Somewhere in the middle: so many turns of the tasks, not so much time.
                for _ in 0..<Int.random(in: 0..<400, using: &random) { await Task.yield() }
                try await cluster.restartMaster()
            }
            _ = try await cluster.time(until: .seconds(300)) {
                try await cluster.client.get(Job.self, namespace: "default", name: "count").isFinished
            }
            let job = try await cluster.client.get(Job.self, namespace: "default", name: "count")
            #expect(job.status.finish?.type == "Complete", "\(seed): \(job.status.json)")
            #expect(job.status.succeeded == 12, "\(seed)")
            #expect(cluster.agents.succeeded.count == 12, "\(seed)")
            let pods = try await cluster.client.list(Pod.self, namespace: "default").items
            #expect(pods.allSatisfy { $0.metadata.finalizers.isEmpty }, "\(seed)")
        }
    }

    @Test func `a deployment is what it was after its master died`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 5))
            try await cluster.settle()
            let before = Set(try await cluster.pods().map(\.metadata.uid))
            try await cluster.setImage("notready:2")
            try await cluster.restartMaster()
            try await cluster.run(for: .seconds(20))
            let after = try await cluster.ready()
            #expect(Set(after.map(\.metadata.uid)) == before)
            for node in try await cluster.client.list(Node.self).items { #expect(node.isReady) }
        }
    }
}
