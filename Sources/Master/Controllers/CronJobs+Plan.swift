import Shared

/// What one reconciliation of a CronJob does. Made on values; `CronJobs` performs it in the order of the members.
/// Source: `cronjob_controllerv2.go`.
struct CronPlan: Equatable {
    struct Event: Equatable {
        let kind: Recorder.Kind
        let reason: String
        let message: String
    }
    var events: [Event] = []
    /// Jobs that run and are replaced by the next one.
    var replace: [Job] = []
    /// The job that is due.
    var create: Job?
    /// Finished jobs beyond the history limits.
    var forget: [Job] = []
    var status: CronJobStatus
    /// When to look again although nothing changed.
    var again: Duration?

    private let cron: CronJob
    private let now: Timestamp

    /// - Parameters:
    ///   - jobs: the jobs that it controls.
    ///   - gone: uids of active jobs that the server does not have.
    ///   - zone: the zone of the schedule, or why there is none.
    init(
        _ cron: CronJob, jobs: [Job], gone: Set<String>, zone: Result<ZoneRules, ZoneRules.Unknown>, now: Timestamp
    ) {
        self.cron = cron
        self.now = now
        status = cron.status
        note(jobs)
        drop(gone)
        guard !cron.metadata.isDeleting else { return }
        start(jobs, zone)
        trim(jobs)
    }

    private mutating func say(_ kind: Recorder.Kind, _ reason: String, _ message: String) {
        events.append(Event(kind: kind, reason: reason, message: message))
    }

    // MARK: What has happened

    private mutating func note(_ jobs: [Job]) {
        for job in jobs {
            let isActive = status.active.contains { $0["uid"].string == job.metadata.uid }
            if !isActive, let time = cron.time(of: job) {
                // Made before a fall that came before the note of it; it may have ended since.
                if !job.isFinished { status.active.append(CronJob.reference(job)) }
                status.lastScheduleTime = max(status.lastScheduleTime ?? time, time)
            } else if !isActive, !job.isFinished {
                let message = "Saw a job that the controller did not create or forgot: \(job.name)"
                say(.warning, "UnexpectedJob", message)
            } else if isActive, let end = job.status.finish {
                status.active.removeAll { $0["uid"].string == job.metadata.uid }
                say(.normal, "SawCompletedJob", "Saw completed job: \(job.name), condition: \(end.type)")
            }
            if job.status.finish?.type == "Complete", let time = job.status.completionTime {
                status.lastSuccessfulTime = max(status.lastSuccessfulTime ?? time, time)
            }
        }
    }

    private mutating func drop(_ gone: Set<String>) {
        for reference in status.active where gone.contains(reference["uid"].string ?? "") {
            say(.normal, "MissingJob", "Active job went missing: \(reference["name"].string ?? "")")
        }
        status.active.removeAll { gone.contains($0["uid"].string ?? "") }
    }

    // MARK: What is due

    private mutating func start(_ jobs: [Job], _ zone: Result<ZoneRules, ZoneRules.Unknown>) {
        let rules: ZoneRules
        switch zone {
        case .success(let zone): rules = zone
        case .failure(let unknown):
            let name = (cron.timeZone ?? "").goQuoted
            return say(.warning, "UnknownTimeZone", "invalid timeZone: \(name): \(unknown.message)")
        }
        guard !cron.isSuspended else { return }
        let schedule: CronSchedule
        do throws(CronSchedule.Mistake) {
            schedule = try CronSchedule(parsing: cron.schedule)
        } catch {
            return say(
                .warning, "UnparseableSchedule", "unparseable schedule: \(cron.schedule.goQuoted) : \(error.text)")
        }
        let due = CronDue(cron, schedule, rules, now: now)
        again = due.wait(cron, schedule, rules, now: now)
        if due.isFarBehind {
            say(
                .warning, "TooManyMissedTimes",
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")
        }
        guard let time = due.time else { return }
        if let seconds = cron.startingDeadlineSeconds, time + .seconds(seconds) < now {
            return say(.warning, "MissSchedule", "Missed scheduled time to start a job: \(time.rfc1123)")
        }
        let job = cron.job(at: time, in: rules)
        guard !status.active.contains(where: { $0["name"].string == job.name }), status.lastScheduleTime != time else {
            return
        }
        if !status.active.isEmpty {
            switch cron.concurrency {
            case .allow: break
            case .forbid:
                return say(
                    .normal, "JobAlreadyActive",
                    "Not starting job because prior execution is running and concurrency policy is Forbid")
            case .replace:
                let active = Set(status.active.compactMap { $0["uid"].string })
                replace = jobs.filter { active.contains($0.metadata.uid) }
                status.active = []
            }
        }
        create = job
        status.lastScheduleTime = time
    }

    // MARK: History

    private mutating func trim(_ jobs: [Job]) {
        let limits = [
            ("Complete", cron.successfulJobsHistoryLimit), ("Failed", cron.failedJobsHistoryLimit),
        ]
        for case (let end, let limit?) in limits {
            let ended = jobs.filter { $0.status.finish?.type == end && !$0.metadata.isDeleting }.sorted { left, right in
                let (one, other) = (left.status.startTime, right.status.startTime)
                guard one != other else { return left.name < right.name }
                // What never started is the youngest.
                return (one ?? Timestamp(nanoseconds: .max)) < (other ?? Timestamp(nanoseconds: .max))
            }
            forget += ended.prefix(max(0, ended.count - max(0, limit)))
        }
        let uids = Set(forget.map(\.metadata.uid))
        status.active.removeAll { uids.contains($0["uid"].string ?? "") }
    }
}

/// The last time at which a CronJob should have started a job and has not. Source: `mostRecentScheduleTime`.
struct CronDue: Equatable {
    /// Nil when nothing is due.
    private(set) var time: Timestamp?
    /// More than a hundred starts were missed.
    private(set) var isFarBehind = false
    private let earliest: Timestamp

    init(_ cron: CronJob, _ schedule: CronSchedule, _ zone: ZoneRules, now: Timestamp) {
        var earliest = cron.status.lastScheduleTime ?? cron.metadata.creationTimestamp ?? now
        if let seconds = cron.startingDeadlineSeconds { earliest = max(earliest, now - .seconds(seconds)) }
        self.earliest = earliest
        guard let first = schedule.next(after: earliest, in: zone), first <= now else { return }
        guard let second = schedule.next(after: first, in: zone), second <= now else {
            time = first
            return
        }
        let interval = second.seconds - first.seconds
        guard interval >= 1 else { return }
        let missed = (now.seconds - first.seconds) / interval + 1
        isFarBehind = missed > 100
        // A guess near the end, from where the schedule itself leads on: intervals need not be equal.
        var last = first
        var next = schedule.next(after: Timestamp(seconds: first.seconds + (missed - 2) * interval), in: zone)
        for _ in 0..<Limits.cronStepsMax {
            guard let reached = next, reached <= now else { break }
            last = reached
            next = schedule.next(after: reached, in: zone)
        }
        time = last
    }

    /// How long nothing will be due.
    func wait(_ cron: CronJob, _ schedule: CronSchedule, _ zone: ZoneRules, now: Timestamp) -> Duration? {
        guard let next = schedule.next(after: time ?? max(earliest, cron.status.lastScheduleTime ?? earliest), in: zone)
        else { return nil }
        return max(.zero, min(next - now, Limits.cronWaitMax))
    }
}

extension CronJob {
    /// The job of one time. The name follows from the time, so that no time gets two jobs.
    func job(at time: Timestamp, in zone: ZoneRules) -> Job {
        var job = Job(name: "\(name)-\(time.seconds / 60)", namespace: namespace)
        let template = ObjectMeta(jobTemplate["metadata"])
        job.metadata.labels = template.labels
        var annotations = template.annotations
        annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] = time.rfc3339(
            offset: zone.offset(at: time.seconds))
        job.metadata.annotations = annotations
        job.metadata.ownerReferences = [OwnerReference(controller: self)]
        job.json["spec"] = jobTemplate["spec"]
        return job
    }

    /// The time that a job was made for; nil when it was made otherwise, as by hand.
    func time(of job: Job) -> Timestamp? {
        let text = job.metadata.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]
        guard let time = text.flatMap({ Timestamp(rfc3339: $0) }), job.name == "\(name)-\(time.seconds / 60)" else {
            return nil
        }
        return time
    }

    /// How the status names a job that runs.
    static func reference(_ job: Job) -> JSON {
        [
            "kind": "Job", "namespace": .string(job.namespace), "name": .string(job.name),
            "uid": .string(job.metadata.uid), "apiVersion": .string(Job.type.apiVersion),
            "resourceVersion": .string(job.metadata.resourceVersion),
        ]
    }
}

extension Timestamp {
    /// `2026-11-27T09:00:00+09:00`; `Z` without an offset.
    /// - Parameter offset: seconds east of UTC.
    func rfc3339(offset: Int) -> String {
        guard offset != 0 else { return rfc3339 }
        let minutes = abs(offset) / 60
        let zone = "\(minutes / 600)\(minutes / 60 % 10):\(minutes % 60 / 10)\(minutes % 10)"
        return (self + .seconds(offset)).rfc3339.dropLast() + (offset < 0 ? "-" : "+") + zone
    }

    /// `Fri, 27 Nov 2026 09:00:00 +0000`.
    var rfc1123: String {
        let days = seconds.flooredDivision(by: 86_400)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let weekday = Int((days + 4) - (days + 4).flooredDivision(by: 7) * 7)
        let clock = rfc3339.dropFirst(11).prefix(8)
        return "\(weekdays[weekday]), \(day < 10 ? "0" : "")\(day) \(months[month - 1]) \(year) \(clock) +0000"
    }
}

extension Limits {
    /// Steps from the guess of the last start to the start itself; a schedule with longer gaps takes the last one found.
    static let cronStepsMax = 10_000
    /// After so long a CronJob is looked at although nothing is due, so that a clock that was set is noticed.
    static let cronWaitMax = Duration.seconds(60)
}
