import Shared
import Synchronization

/// Creates Jobs at the times of a schedule. A class: zones that were read from the disk are remembered.
final class CronJobs: Reconciler {
    private let client: Client
    private let cronJobs: Informer<CronJob>
    private let jobs: Informer<Job>
    private let recorder: Recorder
    private let clock: any WallClock
    private let fence = Fence()
    private let jobFence = Fence()
    private let zones = Mutex<[String: ZoneRules]>([:])

    init(
        client: Client, cronJobs: Informer<CronJob>, jobs: Informer<Job>, recorder: Recorder, clock: any WallClock
    ) {
        self.client = client
        self.cronJobs = cronJobs
        self.jobs = jobs
        self.recorder = recorder
        self.clock = clock
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let cron = cronJobs.get(namespace: key.namespace, name: key.name) else {
            fence.forget(key)
            jobFence.forget(key)
            return .settled
        }
        let own = jobs.list(index: OwnerIndex.controller, cron.metadata.uid)
        guard fence.isPassed(key, at: cronJobs.revision, present: [cron]),
            jobFence.isPassed(key, at: jobs.revision, present: own)
        else { return .settled }
        let gone = try await gone(cron, own)
        let plan = CronPlan(cron, jobs: own, gone: gone, zone: zone(of: cron), now: clock.now())
        try await perform(plan, cron, key)
        return plan.again.map { .again(after: $0) } ?? .settled
    }

    /// The active jobs that neither the cache nor the server knows.
    private func gone(_ cron: CronJob, _ own: [Job]) async throws -> Set<String> {
        let known = Set(own.map(\.metadata.uid))
        var gone: Set<String> = []
        for reference in cron.status.active {
            guard let uid = reference["uid"].string, !known.contains(uid) else { continue }
            do {
                let job = try await client.get(
                    Job.self, namespace: cron.namespace, name: reference["name"].string ?? "")
                if job.metadata.uid != uid { gone.insert(uid) }
            } catch let status as Status where status.reason == .notFound { gone.insert(uid) }
        }
        return gone
    }

    private func zone(of cron: CronJob) -> Result<ZoneRules, ZoneRules.Unknown> {
        guard let name = cron.timeZone else { return .success(.utc) }
        if let known = zones.withLock({ $0[name] }) { return .success(known) }
        do throws(ZoneRules.Unknown) {
            let rules = try ZoneRules.named(name)
            zones.withLock { zones in
                if zones.count >= Limits.zonesMax { zones = [:] }
                zones[name] = rules
            }
            return .success(rules)
        } catch { return .failure(error) }
    }

    private func perform(_ plan: CronPlan, _ cron: CronJob, _ key: ObjectKey) async throws {
        for event in plan.events { recorder.event(cron, event.kind, event.reason, event.message) }
        for job in plan.replace { try await delete(job, of: cron, key) }
        var status = plan.status
        if let job = plan.create {
            guard let reference = try await create(job, of: cron, key) else { return }
            if !reference.isNull { status.active.append(reference) }
        }
        // Noted first: a job that is gone tells nobody that its time has had one.
        if status != cron.status {
            var update = cron
            update.status = status
            do {
                fence.wrote(try await client.updateStatus(update), for: key)
            } catch let status as Status where status.reason == .notFound {}
        }
        for job in plan.forget { try await delete(job, of: cron, key) }
    }

    /// - Returns: how the status names the job; null when it does not run, nil when the namespace goes away.
    private func create(_ job: Job, of cron: CronJob, _ key: ObjectKey) async throws -> JSON? {
        do {
            let created = try await client.create(job)
            jobFence.wrote(created, for: key)
            recorder.event(cron, .normal, "SuccessfulCreate", "Created job \(created.name)")
            return CronJob.reference(created)
        } catch let status as Status where status.reason == .alreadyExists {
            // This master made it and fell before it could note that; or it is somebody else's.
            let known = try await client.get(Job.self, namespace: job.namespace, name: job.name)
            let isOwn = known.metadata.controller?.uid == cron.metadata.uid
            return isOwn && !known.isFinished ? CronJob.reference(known) : .null
        } catch {
            if isNamespaceTerminating(error) { return nil }
            recorder.event(cron, .warning, "FailedCreate", "Error creating job: \(error)")
            throw error
        }
    }

    private func delete(_ job: Job, of cron: CronJob, _ key: ObjectKey) async throws {
        do {
            try await client.delete(
                Job.self, namespace: job.namespace, name: job.name, propagation: .background, uid: job.metadata.uid)
            recorder.event(cron, .normal, "SuccessfulDelete", "Deleted job \(job.name)")
        } catch let status as Status where status.reason == .notFound {
        } catch {
            recorder.event(cron, .warning, "FailedDelete", "Deleted job: \(error)")
            throw error
        }
        jobFence.deleted(job, for: key)
    }
}

extension Limits {
    /// Time zones that are kept in memory.
    static let zonesMax = 100
}
