import Shared
import TestKit
import Testing

@testable import Master

/// Clusters on a bad network, whose tasks go on in an order that the seed chooses, and whose master falls now and then.
///
/// A seed that fails fails again: run it with `SWIFT_DETERMINISTIC_HASHING=1`, which fixes the order of sets as well.
struct FaultTests {
    private static func settings(_ seed: UInt64) -> InProcessCluster.Settings {
        var settings = InProcessCluster.Settings()
        settings.order = Seed(seed)
        settings.faults = InProcessCluster.Faults(seed: Seed(seed &+ 1000), oneIn: 20)
        return settings
    }

    /// Asks again while the answers are lost; tests ask without faults, but masters may be away.
    private func patch(_ cluster: InProcessCluster, replicas: Int) async throws {
        _ = try await cluster.client.patch(
            Deployment.self, namespace: "default", name: "web", .merge, ["spec": ["replicas": JSON(replicas)]])
    }

    @Test(arguments: Seeds.tried(12))
    func `a rollout keeps its bounds whatever is lost on the way`(seed: UInt64) async throws {
        try await InProcessCluster.with(FaultTests.settings(seed)) { cluster in
            var random = Seed(seed &+ 77)
            var replicas = 4
            _ = try await cluster.client.create(
                InProcessCluster.deployment(replicas: replicas, surge: 1, unavailable: 1))
            try await cluster.run(for: .seconds(20))
            for round in 0..<6 {
                switch random.next() % 5 {
                case 0:
                    replicas = Int(random.next() % 5) + 2
                    try await patch(cluster, replicas: replicas)
                case 1, 2: try await cluster.setImage("run:\(round)")
                case 3: try await cluster.restartMaster()
                default:
                    let pods = try await cluster.running()
                    if let pod = pods.first {
                        try await cluster.client.delete(Pod.self, namespace: "default", name: pod.name)
                    }
                }
                for _ in 0..<4 {
                    try await cluster.run(for: .milliseconds(500))
                    let active = try await cluster.pods().filter(\.isActive)
                    // A size that was just lowered is still being reached; more than the largest there never is.
                    #expect(active.count <= 6 + 1, "seed \(seed)")
                }
                try await cluster.run(for: .seconds(20))
            }
            try await cluster.run(for: .seconds(120))
            let deployment = try await cluster.client.get(Deployment.self, namespace: "default", name: "web")
            let pods = try await cluster.pods()
            let ready = try await cluster.ready().count
            #expect(pods.count == replicas && ready == replicas, "seed \(seed)")
            #expect(
                pods.allSatisfy {
                    $0.spec.containers.first?.image == deployment.template.spec.containers.first?.image
                }, "seed \(seed)")
            #expect(deployment.status.updatedReplicas == replicas, "seed \(seed)")
            let sets = try await cluster.client.list(ReplicaSet.self, namespace: "default").items
            #expect(sets.allSatisfy { $0.metadata.controller?.uid == deployment.metadata.uid }, "seed \(seed)")
            #expect(Set(sets.map { $0.template.withoutHash }).count == sets.count, "seed \(seed): a template twice")
        }
    }

    @Test(arguments: Seeds.tried(12))
    func `a job counts each of its pods once although its master falls`(seed: UInt64) async throws {
        try await InProcessCluster.with(FaultTests.settings(seed)) { cluster in
            var random = Seed(seed &+ 99)
            var job = Job(name: "sum", namespace: "default")
            job.json["spec"] = [
                "completions": 6, "parallelism": 3, "backoffLimit": 100,
                "template": [
                    "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "done:1"]]]
                ],
            ]
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

    @Test func `a cron job runs at midnight of its own zone and keeps a short history`() async throws {
        guard TimeZones.areKnown else { return print("SKIPPED: this machine has no time zone database.") }
        var settings = InProcessCluster.Settings()
        // 2026-03-17T14:58:00Z: two minutes before midnight in Tokyo.
        settings.start = Timestamp(seconds: 1_773_759_480)
        try await InProcessCluster.with(settings) { cluster in
            var cron = CronJob(name: "nightly", namespace: "default")
            cron.json["spec"] = [
                "schedule": "@daily", "timeZone": "Asia/Tokyo", "successfulJobsHistoryLimit": 1,
                "jobTemplate": [
                    "spec": [
                        "template": [
                            "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "done:1"]]]
                        ]
                    ]
                ],
            ]
            _ = try await cluster.client.create(cron)
            try await cluster.run(for: .seconds(60))
            #expect(try await cluster.client.list(Job.self, namespace: "default").items.isEmpty)
            try await cluster.run(for: .seconds(90))
            let first = try await cluster.client.list(Job.self, namespace: "default").items
            #expect(first.map(\.name) == ["nightly-29562660"])
            #expect(first.first?.isFinished == true)
            #expect(
                first.first?.metadata.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]
                    == "2026-03-18T00:00:00+09:00")
            let status = try await cluster.client.get(CronJob.self, namespace: "default", name: "nightly").status
            #expect(status.active.isEmpty)
            #expect(status.lastScheduleTime?.rfc3339 == "2026-03-17T15:00:00Z")
            #expect(status.lastSuccessfulTime != nil)
        }
    }
}

/// Whether this machine knows time zones.
private enum TimeZones {
    static let areKnown = (try? ZoneRules.named("Asia/Tokyo")) != nil
}
