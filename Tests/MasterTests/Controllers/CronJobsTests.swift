import Shared
import TestKit
import Testing

@testable import Master

struct CronJobsTests {
    private let start = Timestamp(seconds: 1_773_741_600)  // 2026-03-17T10:00:00Z

    private func cron(_ spec: JSON = [:], last: Timestamp? = nil, active: [Job] = []) -> CronJob {
        var cron = CronJob(name: "cj", namespace: "default")
        cron.metadata.uid = "uid-cj"
        cron.metadata.creationTimestamp = start - .seconds(3600 * 24)
        var all: JSON = ["schedule": "*/10 * * * *", "jobTemplate": ["spec": ["completions": 1]]]
        for (key, value) in spec.members { all[key] = value }
        cron.json["spec"] = all
        cron.status.lastScheduleTime = last
        cron.status.active = active.map(CronJob.reference)
        return cron
    }

    private func job(_ name: String, end: String? = nil, at time: Timestamp? = nil) -> Job {
        var job = Job(name: name, namespace: "default")
        job.metadata.uid = "uid-\(name)"
        if let end {
            job.status.conditions = [Condition(end, true, since: time ?? start)]
            if end == "Complete" { job.status.completionTime = time ?? start }
            job.status.startTime = time ?? start
        }
        return job
    }

    private func plan(
        _ cron: CronJob, jobs: [Job] = [], gone: Set<String> = [], at now: Timestamp, zone: ZoneRules = .utc
    ) -> CronPlan {
        CronPlan(cron, jobs: jobs, gone: gone, zone: .success(zone), now: now)
    }

    @Test func `the job of a time is named after it`() {
        let plan = plan(cron(last: start - .seconds(600)), at: start + .seconds(5))
        #expect(plan.create?.name == "cj-\(start.seconds / 60)")
        #expect(
            plan.create?.metadata.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]
                == "2026-03-17T10:00:00Z")
        #expect(plan.create?.metadata.controller?.uid == "uid-cj")
        #expect(plan.status.lastScheduleTime == start)
        #expect(plan.again == .seconds(60), "a clock that is set is noticed within a minute")
    }

    @Test func `nothing is due before its time, and nothing twice`() {
        #expect(plan(cron(last: start), at: start + .seconds(599)).create == nil)
        #expect(plan(cron(last: start), at: start + .seconds(580)).again == .seconds(20))
        #expect(plan(cron(last: start), at: start + .seconds(600)).create != nil)
        #expect(plan(cron(["suspend": true], last: start), at: start + .seconds(600)).create == nil)
    }

    @Test func `of many missed times the last is taken, with a warning beyond a hundred`() {
        let some = plan(cron(last: start - .seconds(6000)), at: start + .seconds(61))
        #expect(some.create?.name == "cj-\(start.seconds / 60)")
        #expect(some.events.isEmpty)
        let many = plan(cron(last: start - .seconds(600 * 200)), at: start + .seconds(61))
        #expect(many.create?.name == "cj-\(start.seconds / 60)")
        #expect(many.events.map(\.reason) == ["TooManyMissedTimes"])
        let late = plan(
            cron(["startingDeadlineSeconds": 30], last: start - .seconds(600 * 200)), at: start + .seconds(61))
        #expect(late.create == nil)
        #expect(late.events.isEmpty)
    }

    @Test func `concurrency policies`() {
        let running = job("cj-1")
        let now = start + .seconds(601)
        let allowed = plan(cron(last: start, active: [running]), jobs: [running], at: now)
        #expect(allowed.create != nil && allowed.replace.isEmpty && allowed.status.active.count == 1)
        let forbidden = plan(
            cron(["concurrencyPolicy": "Forbid"], last: start, active: [running]), jobs: [running], at: now)
        #expect(forbidden.create == nil)
        #expect(forbidden.events.map(\.reason) == ["JobAlreadyActive"])
        let replaced = plan(
            cron(["concurrencyPolicy": "Replace"], last: start, active: [running]), jobs: [running], at: now)
        #expect(replaced.replace == [running] && replaced.create != nil && replaced.status.active.isEmpty)
    }

    @Test func `the ends of jobs are noted, and history is kept short`() {
        let jobs =
            (0..<5).map { job("done-\($0)", end: "Complete", at: start + .seconds($0)) }
            + (0..<3).map { job("bad-\($0)", end: "Failed", at: start + .seconds($0)) }
        let plan = plan(
            cron(
                ["successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1, "suspend": true], last: start,
                active: [jobs[4], jobs[7]]), jobs: jobs, at: start + .seconds(10))
        #expect(plan.forget.map(\.name) == ["done-0", "done-1", "bad-0", "bad-1"])
        #expect(
            plan.events.map(\.message) == [
                "Saw completed job: done-4, condition: Complete", "Saw completed job: bad-2, condition: Failed",
            ])
        #expect(plan.status.active.isEmpty)
        #expect(plan.status.lastSuccessfulTime == start + .seconds(4))
    }

    @Test func `jobs that vanish or come from elsewhere are told`() {
        let lost = job("lost")
        let plan = plan(
            cron(["suspend": true], active: [lost]), jobs: [job("stray")], gone: ["uid-lost"], at: start)
        #expect(plan.events.map(\.reason) == ["UnexpectedJob", "MissingJob"])
        #expect(plan.status.active.isEmpty)
    }

    @Test func `what can not be read is told once a look and starts nothing`() {
        let broken = plan(cron(["schedule": "* * * *"]), at: start)
        #expect(broken.events.map(\.reason) == ["UnparseableSchedule"])
        let unknown = CronPlan(
            cron(["timeZone": "X/Y"]), jobs: [], gone: [],
            zone: .failure(ZoneRules.Unknown(message: "unknown time zone X/Y")), now: start)
        #expect(unknown.events.map(\.message) == ["invalid timeZone: \"X/Y\": unknown time zone X/Y"])
        #expect(unknown.create == nil && broken.create == nil)
    }

    /// A server that forgets writes and restarts, around plans only: each time gets one job at most, in order.
    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `no time gets two jobs, whatever fails`(seed: Seed) {
        var random = seed
        let policies: [JSON] = ["Allow", "Forbid", "Replace"]
        let policy = policies[Int(random.next() % 3)]
        var cron = cron(["concurrencyPolicy": policy, "successfulJobsHistoryLimit": 2], last: start)
        var jobs: [Job] = []
        var made: [String: Int] = [:]
        var now = start
        for _ in 0..<60 {
            now = now + .seconds(Int(random.next() % 400))
            for index in jobs.indices where !jobs[index].isFinished && random.next() % 3 == 0 {
                let end = random.next() % 4 == 0 ? "Failed" : "Complete"
                jobs[index].status = job("", end: end, at: now).status
            }
            let known = Set(jobs.map(\.metadata.uid))
            let gone = Set(cron.status.active.compactMap { $0["uid"].string }.filter { !known.contains($0) })
            let plan = plan(cron, jobs: jobs, gone: gone, at: now)
            var status = plan.status
            // Each step may be the last before the master falls.
            if random.next() % 10 == 0 { continue }
            jobs.removeAll { job in plan.replace.contains { $0.metadata.uid == job.metadata.uid } }
            if random.next() % 10 == 0 { continue }
            if let new = plan.create {
                if let taken = jobs.first(where: { $0.name == new.name }) {
                    if !taken.isFinished { status.active.append(CronJob.reference(taken)) }
                } else {
                    made[new.name, default: 0] += 1
                    var created = new
                    created.metadata.uid = "uid-\(new.name)"
                    jobs.append(created)
                    status.active.append(CronJob.reference(created))
                }
            }
            if random.next() % 10 == 0 { continue }
            jobs.removeAll { job in plan.forget.contains { $0.metadata.uid == job.metadata.uid } }
            if random.next() % 10 == 0 { continue }
            cron.status = status
            if policy != "Allow" {
                #expect(jobs.count { !$0.isFinished } <= 1, "\(seed)")
            }
        }
        // A job that ended and was cleared away may be made anew only if its time was never noted.
        #expect(made.values.allSatisfy { $0 <= 2 }, "\(seed)")
        #expect(cron.status.active.count <= jobs.count + 1, "\(seed)")
    }
}
