import Shared
import TestKit
import Testing

@testable import Master

struct JobsTests {
    private let now = Sample.start + .seconds(100)

    static func job(
        completions: Int? = 1, parallelism: Int = 1, backoffLimit: Int = 6, indexed: Bool = false
    ) -> Job {
        var job = Job(name: "sum", namespace: "default")
        job.metadata.uid = "uid-job"
        job.json["spec"] = [
            "parallelism": JSON(parallelism), "backoffLimit": JSON(backoffLimit),
            "selector": ["matchLabels": ["job-name": "sum"]],
            "template": [
                "metadata": ["labels": ["job-name": "sum"]],
                "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "x"]]],
            ],
        ]
        if let completions { job.json["spec"]["completions"] = JSON(completions) }
        if indexed { job.json["spec"]["completionMode"] = "Indexed" }
        return job
    }

    /// A job and its pods, moved by plans; a crash may strike between any two writes.
    struct World {
        var job: Job
        var pods: [Pod] = []
        var backoff = JobBackoff()
        var now = Sample.start
        /// Pods that ever ended well, or indexes for an indexed job.
        var succeeded: Set<String> = []
        var failed: Set<String> = []
        private var born = 0
        var mostActive = 0
        var events: [String] = []

        init(_ job: Job) { self.job = job }

        var plan: JobPlan { JobPlan(job, pods: pods, backoff: backoff, now: now) }

        /// Performs the first `writes` writes of the plan; then the process dies.
        mutating func perform(_ plan: JobPlan, writes: Int = .max) {
            var left = writes
            func take() -> Bool {
                left -= 1
                return left >= 0
            }
            for pod in plan.delete where take() {
                if plan.isGivingUp { free(pod) }
                end(pod)
            }
            for new in plan.create where take() { create(new) }
            guard take() else { return }
            var status = plan.status
            status.active += plan.create.count
            job.status = status
            for event in plan.events {
                switch event {
                case .normal(let reason, _), .warning(let reason, _): events.append(reason)
                }
            }
            backoff = plan.backoff
            for pod in plan.finalize where take() { free(pod) }
        }

        private mutating func create(_ new: JobPlan.NewPod) {
            born += 1
            var pod = job.pod(index: new.index, annotations: new.annotations)
            pod.metadata.name = "p\(born)"
            pod.metadata.uid = "uid-\(born)"
            pod.metadata.creationTimestamp = now
            pod.json["status"] = ["phase": "Running"]
            pods.append(pod)
            mostActive = max(mostActive, pods.count(where: \.isActive))
        }

        private mutating func end(_ pod: Pod) {
            guard let index = pods.firstIndex(where: { $0.metadata.uid == pod.metadata.uid }) else { return }
            pods[index].metadata.deletionTimestamp = now
            sweep()
        }
        private mutating func free(_ pod: Pod) {
            guard let index = pods.firstIndex(where: { $0.metadata.uid == pod.metadata.uid }) else { return }
            pods[index].metadata.finalizers = []
            sweep()
        }
        /// The server removes what is deleted and no longer held.
        private mutating func sweep() { pods.removeAll { $0.metadata.isDeleting && $0.metadata.finalizers.isEmpty } }

        mutating func finish(_ index: Int, _ phase: PodStatus.Phase) {
            guard pods[index].isActive else { return }
            pods[index].json["status"]["phase"] = .string(phase.rawValue)
            if phase == .succeeded {
                succeeded.insert(pods[index].completionIndex.map { "\($0)" } ?? pods[index].metadata.uid)
            } else {
                failed.insert(pods[index].metadata.uid)
            }
        }
        /// Somebody removes a finished pod; its finalizer holds it until it is counted.
        mutating func remove(_ index: Int) {
            pods[index].metadata.deletionTimestamp = now
            sweep()
        }
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `every completion is counted exactly once, whenever the process dies`(seed: Seed) {
        var random = seed
        let indexed = Bool.random(using: &random)
        let completions = Int.random(in: 1...9, using: &random)
        let job = JobsTests.job(
            completions: completions, parallelism: Int.random(in: 1...4, using: &random), backoffLimit: 1000,
            indexed: indexed)
        var world = World(job)
        for _ in 0..<600 where !world.job.isFinished {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1: world.perform(world.plan)
            case 2: world.perform(world.plan, writes: Int.random(in: 0...5, using: &random))
            case 3, 4:
                let running = world.pods.indices.filter { world.pods[$0].isActive }
                if let index = running.randomElement(using: &random) {
                    world.finish(index, Int.random(in: 0..<4, using: &random) == 0 ? .failed : .succeeded)
                }
            default:
                let ended = world.pods.indices.filter { world.pods[$0].isFinished }
                if let index = ended.randomElement(using: &random) { world.remove(index) }
            }
            world.now = world.now + .seconds(30)
            #expect(world.job.status.succeeded <= world.succeeded.count, "\(seed)")
        }
        #expect(world.job.status.finish?.type == "Complete", "\(seed)")
        #expect(world.job.status.succeeded == world.succeeded.count, "\(seed)")
        #expect(world.job.status.failed <= world.failed.count, "\(seed)")
        if indexed {
            #expect(world.job.status.completedIndexes == JobIndexes(0..<completions).description, "\(seed)")
        }
        #expect(world.job.status.completionTime != nil)
        world.perform(world.plan)
        let held = world.pods.filter(\.isTracked)
        #expect(held.isEmpty, "\(seed)")
    }

    @Test func `a job never runs more pods than its parallelism or than completions are left`() {
        var world = World(JobsTests.job(completions: 5, parallelism: 2))
        world.perform(world.plan)
        #expect(world.pods.count == 2)
        for round in 0..<20 where !world.job.isFinished {
            for index in world.pods.indices { world.finish(index, .succeeded) }
            world.perform(world.plan)
            #expect(world.pods.count(where: \.isActive) <= max(0, min(2, 5 - world.succeeded.count)), "\(round)")
        }
        #expect(world.succeeded.count == 5)
        #expect(world.events == ["Completed"])
    }

    @Test func `one failure more than the limit fails the job and ends its pods`() {
        var world = World(JobsTests.job(completions: 3, parallelism: 3, backoffLimit: 0))
        world.perform(world.plan)
        world.finish(0, .failed)
        for _ in 0..<4 { world.perform(world.plan) }
        #expect(world.job.status.finish?.reason == "BackoffLimitExceeded")
        #expect(world.job.status.finish?.message == "Job has reached the specified backoff limit")
        let running = world.pods.filter(\.isActive)
        #expect(running.isEmpty)
        #expect(world.events == ["BackoffLimitExceeded"])
    }

    @Test func `a pod after a failure waits ten seconds, then twice as long`() {
        var backoff = JobBackoff()
        #expect(backoff.remaining(now: now) == .zero)
        backoff.note(succeeded: [], failed: [now])
        #expect(backoff.remaining(now: now) == .seconds(10))
        backoff.note(succeeded: [], failed: [now + .seconds(10)])
        #expect(backoff.remaining(now: now + .seconds(10)) == .seconds(20))
        backoff.note(succeeded: [now + .seconds(20)], failed: [])
        #expect(backoff.remaining(now: now + .seconds(20)) == .zero)
    }

    @Test func `the deadline ends a job in time`() {
        var job = JobsTests.job()
        job.json["spec"]["activeDeadlineSeconds"] = 3
        var world = World(job)
        world.perform(world.plan)
        #expect(world.plan.again == .seconds(3))
        world.now = world.now + .seconds(3)
        for _ in 0..<3 { world.perform(world.plan) }
        #expect(world.job.status.finish?.reason == "DeadlineExceeded")
    }

    @Test func `a suspended job has no pods and starts anew when resumed`() {
        var world = World(JobsTests.job(completions: 2, parallelism: 2))
        world.perform(world.plan)
        world.job.json["spec"]["suspend"] = true
        world.perform(world.plan)
        world.perform(world.plan)
        #expect(world.pods.isEmpty)
        #expect(world.job.status.conditions.first("Suspended")?.isTrue == true)
        #expect(world.job.status.startTime == nil)
        #expect(world.job.status.failed == 0)
        world.job.json["spec"]["suspend"] = false
        world.perform(world.plan)
        #expect(world.pods.count == 2)
        #expect(world.job.status.startTime != nil)
        #expect(world.events == ["Suspended", "Resumed"])
    }

    @Test func `a work queue job ends with the first success once its pods have ended`() {
        var world = World(JobsTests.job(completions: nil, parallelism: 3))
        world.perform(world.plan)
        #expect(world.pods.count == 3)
        world.finish(0, .succeeded)
        for _ in 0..<3 { world.perform(world.plan) }
        #expect(!world.job.isFinished)
        #expect(world.pods.count(where: \.isActive) == 2)
        for index in world.pods.indices { world.finish(index, .succeeded) }
        for _ in 0..<3 { world.perform(world.plan) }
        #expect(world.job.status.finish?.type == "Complete")
        #expect(world.job.status.succeeded == 3)
    }

    @Test func `an indexed pod carries its index as annotation, label, host name and variable`() {
        let pod = JobsTests.job(completions: 3, indexed: true).pod(index: 2)
        #expect(pod.completionIndex == 2)
        #expect(pod.metadata.generateName == "sum-2-")
        #expect(pod.spec.json["hostname"] == "sum-2")
        #expect(pod.spec.containers[0].json["env"][0]["name"] == "JOB_COMPLETION_INDEX")
        #expect(pod.metadata.finalizers == [JobPlan.finalizer])
    }

    @Test(arguments: [
        ("", ""), ("0", "0"), ("0-1", "0,1"), ("0,1,2", "0-2"), ("1,3-5,7", "1,3-5,7"),
        ("x,2,99999999999999999999,4-3", "2"),
    ])
    func `index ranges are read and written in one form`(text: String, canonical: String) {
        #expect(JobIndexes(parsing: text, limit: 100).description == canonical)
    }

    @Test func `free indexes are the lowest that are neither done nor taken`() {
        let done = JobIndexes([0, 1, 2, 5])
        #expect(done.firstMissing(3, below: 9, taken: [3]) == [4, 6, 7])
        #expect(done.firstMissing(9, below: 7, taken: []) == [3, 4, 6])
        #expect(done.union([3, 4]).description == "0-5")
        #expect(done.contains(5))
        #expect(!done.contains(4))
    }

    @Test func `a finished job goes when its time is over`() {
        var job = JobsTests.job()
        job.json["spec"]["ttlSecondsAfterFinished"] = 60
        #expect(TimeToLive.left(of: job, now: now) == nil)
        job.status.conditions = [Condition("Complete", true, since: now)]
        #expect(TimeToLive.left(of: job, now: now + .seconds(20)) == .seconds(40))
    }
}
