import Shared

/// Failures of a job since its last success; new pods wait longer after each. Kept in memory only, as Kubernetes does.
struct JobBackoff: Equatable, Sendable {
    private(set) var failures = 0
    private(set) var last: Timestamp?

    /// Takes note of pods that ended, oldest first.
    mutating func note(succeeded: [Timestamp], failed: [Timestamp]) {
        let success = succeeded.max()
        if let success, success >= (last ?? success) { failures = 0 }
        failures += failed.count { time in success.map { time > $0 } ?? true }
        last = ([last] + failed.map { Optional($0) }).compactMap { $0 }.max()
    }

    /// How long the next pod has to wait: 10 s, doubled with each failure, at most 10 min.
    func remaining(now: Timestamp) -> Duration {
        guard failures > 0, let last else { return .zero }
        return last + Backoff.delay(afterFailures: failures - 1, first: .seconds(10), most: .seconds(600)) - now
    }
}

/// What one reconciliation of a Job does. Made on values; `Jobs` performs it in the order of the members.
///
/// Pods carry a finalizer until their end is counted. An ended pod is first listed in `uncountedTerminatedPods`, then
/// loses the finalizer, then is counted: each step is stored before the next, so that a crash in between neither
/// loses nor doubles a completion. Source: KEP-2307.
struct JobPlan: Equatable {
    static let finalizer = "batch.kubernetes.io/job-tracking"
    static let indexAnnotation = "batch.kubernetes.io/job-completion-index"

    enum Event: Equatable {
        case normal(reason: String, message: String)
        case warning(reason: String, message: String)
    }

    /// Active pods to delete. Those given up by choice lose their finalizer first, so that they count as nothing.
    var delete: [Pod] = []
    var isGivingUp = false
    /// One entry per pod to create: its index, nil for a job without indexes.
    var create: [Int?] = []
    var status: JobStatus
    /// Pods that lose their finalizer once the status is stored.
    var finalize: [Pod] = []
    var events: [Event] = []
    var again: Duration?
    var backoff: JobBackoff

    private let job: Job
    private let now: Timestamp
    private var active: [Pod]
    private var succeeded = 0
    private var failed = 0
    private var indexes = JobIndexes()

    /// - Parameter pods: all pods that belong to the job, ended ones too.
    init(_ job: Job, pods: [Pod], backoff: JobBackoff, now: Timestamp) {
        self.job = job
        self.now = now
        self.backoff = backoff
        status = job.status
        active = pods.filter(\.isActive)
        if job.isFinished || job.metadata.isDeleting {
            finalize = pods.filter(\.isTracked)
            return
        }
        count(pods)
        let failure = start() ? verdict(pods) : nil
        if let failure {
            delete = active
            active = []
            conclude(failure)
        } else {
            manage(pods)
        }
        status.active = active.count
        status.ready = active.count { $0.isReady }
        status.terminating = pods.count { $0.metadata.isDeleting && !$0.isFinished }
    }

    // MARK: Counting

    private mutating func count(_ pods: [Pod]) {
        let limit = job.completions ?? 0
        let tracked = Set(pods.filter(\.isTracked).map(\.metadata.uid))
        var uncounted = status.uncounted
        let known = Set(uncounted.succeeded + uncounted.failed)
        if job.isIndexed { indexes = JobIndexes(parsing: status.completedIndexes, limit: limit) }
        // A finalizer that is gone was removed after its pod was listed: count it for good.
        status.succeeded += uncounted.succeeded.count { !tracked.contains($0) }
        status.failed += uncounted.failed.count { !tracked.contains($0) }
        uncounted.succeeded.removeAll { !tracked.contains($0) }
        uncounted.failed.removeAll { !tracked.contains($0) }
        var done: [Timestamp] = []
        var broken: [Timestamp] = []
        for pod in pods where pod.isTracked && pod.hasEnded && !known.contains(pod.metadata.uid) {
            guard uncounted.succeeded.count + uncounted.failed.count < Limits.uncountedPodsMax else { break }
            if pod.status.phase == .succeeded {
                let index = pod.completionIndex
                if job.isIndexed {
                    guard let index, index < limit else { continue }
                    indexes = indexes.union([index])
                }
                uncounted.succeeded.append(pod.metadata.uid)
                done.append(pod.endTime ?? now)
            } else {
                uncounted.failed.append(pod.metadata.uid)
                broken.append(pod.endTime ?? now)
            }
        }
        backoff.note(succeeded: done, failed: broken)
        status.uncounted = uncounted
        let listed = Set(uncounted.succeeded + uncounted.failed)
        finalize = pods.filter { $0.isTracked && listed.contains($0.metadata.uid) }
        failed = status.failed + uncounted.failed.count
        if job.isIndexed {
            // Indexed jobs count indexes, not pods: an index that succeeded twice is done once.
            finalize += pods.filter { pod in
                pod.isTracked && pod.status.phase == .succeeded && (pod.completionIndex.map { $0 >= limit } ?? true)
            }
            succeeded = indexes.count
            status.completedIndexes = indexes.description
            status.succeeded = succeeded
        } else {
            succeeded = status.succeeded + uncounted.succeeded.count
        }
    }

    private var isAllCounted: Bool { status.uncounted.succeeded.isEmpty && status.uncounted.failed.isEmpty }

    // MARK: The end

    /// Notes the start. False while the job is suspended.
    private mutating func start() -> Bool {
        if status.startTime == nil, !job.isSuspended { status.startTime = now }
        return !job.isSuspended
    }

    private mutating func verdict(_ pods: [Pod]) -> Condition? {
        if failed > job.backoffLimit || isPastRestarts(pods) {
            return Condition(
                "Failed", true, reason: "BackoffLimitExceeded",
                message: "Job has reached the specified backoff limit", since: now)
        }
        guard let seconds = job.activeDeadlineSeconds, let start = status.startTime else { return nil }
        let left = start + .seconds(seconds) - now
        if left <= .zero {
            return Condition(
                "Failed", true, reason: "DeadlineExceeded", message: "Job was active longer than specified deadline",
                since: now)
        }
        again = left
        return nil
    }

    /// With OnFailure the containers restart inside their pods, and the restarts are what is limited.
    private func isPastRestarts(_ pods: [Pod]) -> Bool {
        guard job.template.spec.restartPolicy == .onFailure else { return false }
        let restarts = pods.filter { $0.status.phase == .running || $0.status.phase == .pending }.reduce(0) {
            sum, pod in
            (pod.status.initContainerStatuses + pod.status.containerStatuses).reduce(sum) { $0 + $1.restartCount }
        }
        return job.backoffLimit == 0 ? restarts > 0 : restarts >= job.backoffLimit
    }

    /// Writes the final condition, once every pod that ended is counted.
    private mutating func conclude(_ condition: Condition) {
        guard isAllCounted else { return }
        var condition = condition
        condition.json["lastProbeTime"] = .string(now.rfc3339)
        var conditions = status.conditions
        conditions.put(condition)
        status.conditions = conditions
        again = nil
        if condition.type == "Complete" {
            status.completionTime = now
            events.append(.normal(reason: "Completed", message: "Job completed"))
        } else {
            events.append(.warning(reason: condition.reason, message: condition.message))
        }
    }

    // MARK: Pods

    private mutating func manage(_ pods: [Pod]) {
        if isComplete {
            delete = active
            active = []
            return conclude(
                Condition(
                    "Complete", true, reason: "CompletionsReached",
                    message: "Reached expected number of succeeded pods", since: now))
        }
        noteSuspension()
        if job.isSuspended { return giveUp(active) }
        let (invalid, taken) = indexConflicts
        let wanted = wantedActive
        var surplus = invalid
        let valid = active.filter { pod in !invalid.contains { $0.metadata.uid == pod.metadata.uid } }
        if valid.count > wanted {
            surplus += PodRanking(related: valid).sorted(valid).prefix(valid.count - wanted)
        }
        if !surplus.isEmpty { return giveUp(Array(surplus.prefix(Limits.burstPodsMax))) }
        let missing = min(wanted - active.count, Limits.burstPodsMax)
        guard missing > 0 else { return }
        let wait = backoff.remaining(now: now)
        if wait > .zero {
            again = min(again ?? wait, wait)
        } else if job.isIndexed {
            create = indexes.firstMissing(missing, below: job.completions ?? 0, taken: taken).map { Optional($0) }
        } else {
            create = Array(repeating: nil, count: missing)
        }
    }

    private mutating func giveUp(_ pods: [Pod]) {
        guard !pods.isEmpty else { return }
        let gone = Set(pods.map(\.metadata.uid))
        delete = pods
        isGivingUp = true
        active.removeAll { gone.contains($0.metadata.uid) }
    }

    private var isComplete: Bool {
        guard let completions = job.completions else { return succeeded > 0 && active.isEmpty }
        return succeeded >= completions
    }

    private var wantedActive: Int {
        guard let completions = job.completions else {
            return succeeded > 0 ? min(active.count, job.parallelism) : job.parallelism
        }
        return max(0, min(completions - succeeded, job.parallelism))
    }

    /// Active pods whose index is done, doubled or out of range; and the indexes that the others hold.
    private var indexConflicts: (invalid: [Pod], taken: Set<Int>) {
        guard job.isIndexed, let limit = job.completions else { return ([], []) }
        var taken: Set<Int> = []
        var invalid: [Pod] = []
        let order = active.sorted { ($0.metadata.creationTimestamp ?? now) < ($1.metadata.creationTimestamp ?? now) }
        for pod in order {
            if let index = pod.completionIndex, index < limit, !indexes.contains(index), taken.insert(index).inserted {
                continue
            }
            invalid.append(pod)
        }
        return (invalid, taken)
    }

    private mutating func noteSuspension() {
        let known = status.conditions.first("Suspended")
        guard job.isSuspended != (known?.isTrue ?? false) else { return }
        let (reason, message) =
            job.isSuspended ? ("JobSuspended", "Job suspended") : ("JobResumed", "Job resumed")
        var conditions = status.conditions
        conditions.put(Condition("Suspended", job.isSuspended, reason: reason, message: message, since: now))
        status.conditions = conditions
        status.startTime = job.isSuspended ? nil : now
        events.append(.normal(reason: job.isSuspended ? "Suspended" : "Resumed", message: message))
    }
}

extension Pod {
    /// Still waits to be counted by its job.
    var isTracked: Bool { metadata.finalizers.contains(JobPlan.finalizer) }
    /// Finished, or on its way out without having finished, which counts as a failure.
    fileprivate var hasEnded: Bool { isFinished || metadata.isDeleting }
    var completionIndex: Int? {
        metadata.annotations[JobPlan.indexAnnotation].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
    /// When its last container ended.
    fileprivate var endTime: Timestamp? {
        status.containerStatuses.compactMap {
            $0.state.at("terminated", "finishedAt").string.flatMap { Timestamp(rfc3339: $0) }
        }.max()
    }
}
