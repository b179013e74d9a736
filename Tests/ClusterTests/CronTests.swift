import Shared
import TestKit
import Testing

@testable import Master

struct CronTests {
    private static let policies = ["Allow", "Forbid", "Replace"]
    private static let words = ["done:1", "done:1", "fail:1", "run:1"]

    /// Every minute. Pods of the word `run` go on until they are told to end.
    private static func cron(_ policy: String, keeps: Int) -> CronJob {
        var cron = CronJob(name: "tick", namespace: "default")
        cron.json["spec"] = [
            "schedule": "* * * * *", "concurrencyPolicy": .string(policy), "successfulJobsHistoryLimit": JSON(keeps),
            "failedJobsHistoryLimit": 1,
            "jobTemplate": [
                "spec": [
                    "backoffLimit": 0,
                    "template": [
                        "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "done:1"]]]
                    ],
                ]
            ],
        ]
        return cron
    }

    private static func setImage(_ image: String, _ cluster: InProcessCluster) async throws {
        _ = try await cluster.client.patch(
            CronJob.self, namespace: "default", name: "tick", .strategic,
            [
                "spec": [
                    "jobTemplate": [
                        "spec": [
                            "template": ["spec": ["containers": [["name": "c", "image": .string(image)]]]]
                        ]
                    ]
                ]
            ])
    }

    /// Lets every pod that still runs end well.
    private static func finish(_ cluster: InProcessCluster) async throws {
        for pod in try await cluster.client.list(Pod.self, namespace: "default").items
        where pod.isActive && pod.status.phase == .running {
            try await cluster.tolerantly { try await cluster.agents.move(pod, to: .succeeded, cluster.client) }
        }
    }

    /// Each time had one job at most, at its time or later, and no more ran at once than the policy allows.
    /// - Returns: the times of all jobs.
    private static func expectOrder(
        _ cluster: InProcessCluster, _ cron: CronJob, _ seed: UInt64
    ) async throws -> [Timestamp] {
        var times: [Timestamp] = []
        var active: Set<String> = []
        for step in try await cluster.course(of: Job.self, in: "default") {
            let job = step.object
            if step.isCreation {
                let time = try #require(cron.time(of: job), "seed \(seed): \(job.name)")
                #expect(!times.contains(time), "seed \(seed): \(job.name) twice")
                let made = job.metadata.creationTimestamp ?? time
                #expect(time <= made && time.seconds % 60 == 0, "seed \(seed): \(job.name) at \(made)")
                #expect(time > cron.metadata.creationTimestamp ?? time, "seed \(seed): \(job.name)")
                if cron.concurrency != .allow {
                    #expect(active.isEmpty, "seed \(seed): \(job.name) beside \(active.sorted())")
                }
                times.append(time)
            }
            if step.isRemoval || job.metadata.isDeleting || job.isFinished {
                active.remove(job.name)
            } else {
                active.insert(job.name)
            }
        }
        return times
    }

    @Test(arguments: Seeds.tried(6))
    func `each time has one job and no more run at once than the policy allows`(seed: UInt64) async throws {
        var settings = InProcessCluster.faulty(seed, nodes: 1, oneIn: 10)
        settings.start = Timestamp(seconds: 1_773_742_062)
        try await InProcessCluster.with(settings) { cluster in
            var random = Seed(seed &+ 111)
            let keeps = Int(random.next() % 3)
            let cron = try await cluster.client.create(
                CronTests.cron(CronTests.policies[Int(seed % 3)], keeps: keeps))
            for _ in 0..<8 {
                switch random.next() % 7 {
                case 0, 1: try await cluster.restartMaster()
                // Not back: what was run already is not run once more until then.
                case 6: cluster.clock.jump(by: .seconds(Int64(random.next() % 7200)))
                case 2: try await CronTests.finish(cluster)
                case 3:
                    _ = try await cluster.client.patch(
                        CronJob.self, namespace: "default", name: "tick", .merge,
                        ["spec": ["suspend": .bool(random.next() % 2 == 0)]])
                default:
                    try await CronTests.setImage(CronTests.words[Int(random.next() % 4)], cluster)
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 130_000)))
            }
            try await CronTests.finish(cluster)
            try await CronTests.setImage("done:2", cluster)
            _ = try await cluster.client.patch(
                CronJob.self, namespace: "default", name: "tick", .merge, ["spec": ["suspend": false]])
            let calm = cluster.clock.now()
            for _ in 0..<6 {
                try await cluster.run(for: .seconds(60))
                try await CronTests.finish(cluster)
            }
            try await cluster.run(for: .seconds(25))
            let times = try await CronTests.expectOrder(cluster, cron, seed)
            let due = (calm.seconds / 60 + 2)...(cluster.clock.now().seconds / 60 - 1)
            for minute in due {
                #expect(times.contains(Timestamp(seconds: minute * 60)), "seed \(seed): minute \(minute) was missed")
            }
            let jobs = try await cluster.client.list(Job.self, namespace: "default").items
            let ends = jobs.compactMap { $0.status.finish?.type }
            #expect(ends.count { $0 == "Complete" } == keeps, "seed \(seed)")
            #expect(ends.count { $0 == "Failed" } <= 1, "seed \(seed)")
            let status = try await cluster.client.get(CronJob.self, namespace: "default", name: "tick").status
            #expect(
                Set(status.active.compactMap { $0["name"].string })
                    == Set(jobs.filter { !$0.isFinished }.map(\.name)), "seed \(seed)")
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
