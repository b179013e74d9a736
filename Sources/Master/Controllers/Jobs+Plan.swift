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

    /// Takes note of the time: what failed later than now did so before somebody set the clock back.
    mutating func heed(_ now: Timestamp) { last = last.map { min($0, now) } }

    /// How long the next pod has to wait: 10 s, doubled with each failure, at most 10 min; no longer when somebody has
    /// set the clock back.
    func remaining(now: Timestamp) -> Duration {
        guard failures > 0, let last else { return .zero }
        let delay = Backoff.delay(afterFailures: failures - 1, first: .seconds(10), most: .seconds(600))
        return min(delay, last + delay - now)
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

    /// A pod to create: its index, nil for a job without indexes, and annotations of its own.
    struct NewPod: Equatable {
        var index: Int?
        var annotations: [String: String] = [:]
    }

    /// Active pods to delete. Those given up by choice lose their finalizer first, so that they count as nothing.
    var delete: [Pod] = []
    var isGivingUp = false
    var create: [NewPod] = []
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
    private var failedIndexes = JobIndexes()
    /// By index, the failed pod whose successor is still to be made; it is counted after that.
    private var waiting: [Int: Pod] = [:]

    /// - Parameter pods: all pods that belong to the job, ended ones too.
    init(_ job: Job, pods: [Pod], backoff: JobBackoff, now: Timestamp) {
        self.job = job
        self.now = now
        self.backoff = backoff
        self.backoff.heed(now)
        status = job.status
        active = pods.filter(\.isActive)
        if job.isFinished {
            finalize = pods.filter(\.isTracked)
            return
        }
        countIndexes(pods)
        let decided = broken(pods)
        count(pods, decided?.type)
        if status.startTime == nil, !job.isSuspended { status.startTime = now }
        if let target = decided ?? verdict(pods) {
            delete = active
            // What is not needed any more has not failed.
            isGivingUp = target.type == "SuccessCriteriaMet"
            active = []
            conclude(target, pods)
        } else {
            manage(pods)
        }
        // Nothing that is left of a job may be held by it.
        if job.metadata.isDeleting { release(pods) }
        status.active = active.count
        status.ready = active.count { $0.isReady }
        status.terminating = pods.count { $0.metadata.isDeleting && !$0.isFinished }
    }

    // MARK: Counting

    private func hasFailed(_ pod: Pod) -> Bool {
        pod.status.phase == .failed
            || (pod.metadata.isDeleting && pod.status.phase != .succeeded && !job.replacesFailedOnly)
    }
    private func hasEnded(_ pod: Pod) -> Bool { pod.status.phase == .succeeded || hasFailed(pod) }
    private func failure(_ pod: Pod) -> JobFailure {
        JobFailure(of: pod, under: job.json.at("spec", "podFailurePolicy"))
    }
    private func index(_ pod: Pod) -> Int? {
        guard job.isIndexed, let limit = job.completions, let index = pod.completionIndex, index < limit else {
            return nil
        }
        return index
    }

    /// Which indexes have succeeded and which have failed for good, the pods that are not counted yet among them.
    private mutating func countIndexes(_ pods: [Pod]) {
        guard job.isIndexed, let limit = job.completions else { return }
        let done = pods.filter { $0.isTracked && $0.status.phase == .succeeded }.compactMap(index)
        indexes = JobIndexes(parsing: status.completedIndexes, limit: limit).union(done)
        guard let most = job.backoffLimitPerIndex else { return }
        let broken = pods.filter { pod in
            guard pod.isTracked, hasFailed(pod) else { return false }
            return failure(pod) == .failIndex
                || (failure(pod).isCounted && JobIndexFailures.counted(of: pod) >= most)
        }.compactMap(index)
        failedIndexes = JobIndexes(parsing: status.failedIndexes ?? "", limit: limit).union(broken)
        let held = Set(active.compactMap(index))
        for pod in pods where pod.isTracked && hasFailed(pod) {
            guard let index = index(pod), !held.contains(index), !indexes.contains(index),
                !failedIndexes.contains(index)
            else { continue }
            // The one with the most failures knows them all.
            if let other = waiting[index], JobIndexFailures.counted(of: other) >= JobIndexFailures.counted(of: pod) {
                continue
            }
            waiting[index] = pod
        }
    }

    /// - Parameter end: the condition that the job is to end with, when that is decided: then pods that have not
    ///   succeeded have failed, and no successors are waited for.
    private mutating func count(_ pods: [Pod], _ end: String?) {
        let limit = job.completions ?? 0
        let tracked = Set(pods.filter(\.isTracked).map(\.metadata.uid))
        var uncounted = status.uncounted
        let known = Set(uncounted.succeeded + uncounted.failed)
        // A finalizer that is gone was removed after its pod was listed: count it for good.
        status.succeeded += uncounted.succeeded.count { !tracked.contains($0) }
        status.failed += uncounted.failed.count { !tracked.contains($0) }
        uncounted.succeeded.removeAll { !tracked.contains($0) }
        uncounted.failed.removeAll { !tracked.contains($0) }
        var done: [Timestamp] = []
        var broken: [Timestamp] = []
        var ignored: [Pod] = []
        let held = end != nil ? [] : Set(waiting.values.map(\.metadata.uid))
        let isFailing = end == "FailureTarget"
        for pod in pods where pod.isTracked && (isFailing || hasEnded(pod)) && !known.contains(pod.metadata.uid) {
            guard uncounted.succeeded.count + uncounted.failed.count < Limits.uncountedPodsMax else { break }
            if held.contains(pod.metadata.uid) { continue }
            if pod.status.phase == .succeeded {
                if job.isIndexed, index(pod) == nil { continue }
                uncounted.succeeded.append(pod.metadata.uid)
                done.append(pod.endTime ?? now)
            } else if failure(pod).isCounted {
                uncounted.failed.append(pod.metadata.uid)
                broken.append(pod.endTime ?? now)
            } else {
                ignored.append(pod)
                broken.append(pod.endTime ?? now)
            }
        }
        backoff.note(succeeded: done, failed: broken)
        status.uncounted = uncounted
        let listed = Set(uncounted.succeeded + uncounted.failed)
        finalize = pods.filter { $0.isTracked && listed.contains($0.metadata.uid) } + ignored
        failed = status.failed + uncounted.failed.count
        if job.isIndexed {
            // Indexed jobs count indexes, not pods: an index that succeeded twice is done once.
            finalize += pods.filter { pod in
                pod.isTracked && pod.status.phase == .succeeded && (pod.completionIndex.map { $0 >= limit } ?? true)
            }
            succeeded = indexes.count
            status.completedIndexes = indexes.description
            status.succeeded = succeeded
            if job.backoffLimitPerIndex != nil { status.failedIndexes = failedIndexes.description }
        } else {
            succeeded = status.succeeded + uncounted.succeeded.count
        }
    }

    private mutating func release(_ pods: [Pod]) {
        let listed = Set(finalize.map(\.metadata.uid))
        finalize += pods.filter { $0.isTracked && !listed.contains($0.metadata.uid) }
    }

    private var isAllCounted: Bool { status.uncounted.succeeded.isEmpty && status.uncounted.failed.isEmpty }

    // MARK: The end

    /// A failed pod that fails the job by its policy, or what an earlier look has decided.
    private func broken(_ pods: [Pod]) -> Condition? {
        if let known = status.conditions.first("FailureTarget"), known.isTrue { return known }
        if let known = status.conditions.first("SuccessCriteriaMet"), known.isTrue { return known }
        for pod in pods where pod.isTracked && hasFailed(pod) {
            if case .failJob(let message) = failure(pod) { return failing("PodFailurePolicy", message) }
        }
        return nil
    }

    private func failing(_ reason: String, _ message: String) -> Condition {
        Condition("FailureTarget", true, reason: reason, message: message, since: now)
    }

    /// Why the job is to end now, well or badly; nil when it goes on.
    private mutating func verdict(_ pods: [Pod]) -> Condition? {
        if failed > job.backoffLimit || isPastRestarts(pods) {
            return failing("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        }
        if let seconds = job.activeDeadlineSeconds, let start = status.startTime, !job.isSuspended {
            let left = start + .seconds(seconds) - now
            if left <= .zero {
                return failing("DeadlineExceeded", "Job was active longer than specified deadline")
            }
            again = left
        }
        guard job.isIndexed, let completions = job.completions else { return nil }
        if job.backoffLimitPerIndex != nil {
            if let most = job.maxFailedIndexes, failedIndexes.count > most {
                return failing(
                    "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
            }
            if failedIndexes.count > 0, failedIndexes.count + succeeded >= completions {
                return failing("FailedIndexes", "Job has failed indexes")
            }
        }
        let policy = job.json.at("spec", "successPolicy")
        return JobSuccess.message(policy, succeeded: indexes, completions: completions).map {
            Condition("SuccessCriteriaMet", true, reason: "SuccessPolicy", message: $0, since: now)
        }
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

    /// Writes what the job is to end with, and that it has ended once no pod is left that may still run and every one
    /// that ended is counted. Source: KEP-3939, KEP-4368.
    private mutating func conclude(_ target: Condition, _ pods: [Pod]) {
        var conditions = status.conditions
        if conditions.first(target.type)?.isTrue != true { conditions.put(probed(target)) }
        status.conditions = conditions
        guard isAllCounted, delete.isEmpty, !pods.contains(where: { !$0.isFinished }) else { return }
        let isDone = target.type == "SuccessCriteriaMet"
        let end = Condition(
            isDone ? "Complete" : "Failed", true, reason: target.reason, message: target.message, since: now)
        conditions.put(probed(end))
        status.conditions = conditions
        again = nil
        if isDone {
            status.completionTime = now
            if let completions = job.completions, status.succeeded > completions {
                let message = "Too many succeeded pods running after completion count reached"
                events.append(.warning(reason: "TooManySucceededPods", message: message))
            }
            events.append(.normal(reason: "Completed", message: "Job completed"))
        } else {
            events.append(.warning(reason: end.reason, message: end.message))
        }
    }

    private func probed(_ condition: Condition) -> Condition {
        var condition = condition
        condition.json["lastProbeTime"] = .string(now.rfc3339)
        return condition
    }

    // MARK: Pods

    private mutating func manage(_ pods: [Pod]) {
        if isComplete, !job.metadata.isDeleting || active.isEmpty {
            giveUp(active)
            return conclude(
                Condition(
                    "SuccessCriteriaMet", true, reason: "CompletionsReached",
                    message: "Reached expected number of succeeded pods", since: now), pods)
        }
        if job.metadata.isDeleting { return }
        noteSuspension()
        if job.isSuspended { return giveUp(active) }
        let (invalid, taken) = indexConflicts
        let wanted = wantedActive
        var surplus = invalid
        let valid = active.filter { pod in !invalid.contains { $0.metadata.uid == pod.metadata.uid } }
        if valid.count > wanted {
            surplus += PodRanking.ofJob.sorted(valid).prefix(valid.count - wanted)
        }
        if !surplus.isEmpty { return giveUp(Array(surplus.prefix(Limits.burstPodsMax))) }
        let ending = job.replacesFailedOnly ? pods.count { $0.metadata.isDeleting && !$0.isFinished } : 0
        let missing = min(wanted - ending - active.count, Limits.burstPodsMax)
        if missing > 0 { make(missing, taken, pods) }
    }

    private mutating func make(_ missing: Int, _ taken: Set<Int>, _ pods: [Pod]) {
        if job.backoffLimitPerIndex == nil {
            let wait = backoff.remaining(now: now)
            if wait > .zero { return lookAgain(after: wait) }
        }
        guard job.isIndexed else { return create = Array(repeating: NewPod(), count: missing) }
        // An index whose pod still ends is not free where only failed pods are replaced.
        let ending = job.replacesFailedOnly ? pods.filter { !$0.isFinished }.compactMap(index) : []
        let free = indexes.firstMissing(
            missing, below: job.completions ?? 0, taken: taken.union(ending), failed: failedIndexes)
        guard job.backoffLimitPerIndex != nil else { return create = free.map { NewPod(index: $0) } }
        for index in free {
            let last = waiting[index]
            if let last {
                let wait = JobIndexFailures.wait(after: last, ended: last.endTime ?? now, now: now)
                if wait > .zero {
                    lookAgain(after: wait)
                    continue
                }
            }
            create.append(
                NewPod(
                    index: index, annotations: JobIndexFailures.annotations(after: last, last.map { failure($0) })))
        }
    }

    private mutating func lookAgain(after wait: Duration) { again = min(again ?? wait, wait) }

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
