import Shared
import TestKit
import Testing

@testable import Master

struct JobPoliciesTests {
    private func pod(_ name: String, index: Int? = nil, code: Int? = nil, failures: Int? = nil) -> Pod {
        var pod = Sample.pod(name, phase: code.map { $0 == 0 ? .succeeded : .failed } ?? .running)
        pod.metadata.finalizers = [JobPlan.finalizer]
        var annotations: [String: String] = [:]
        if let index { annotations[JobPlan.indexAnnotation] = String(index) }
        if let failures { annotations[JobIndexFailures.counted] = String(failures) }
        pod.metadata.annotations = annotations
        if let code {
            pod.json["status"]["containerStatuses"] = [
                [
                    "name": "c",
                    "state": [
                        "terminated": ["exitCode": JSON(code), "finishedAt": .string(Sample.start.rfc3339)]
                    ],
                ]
            ]
        }
        return pod
    }

    private func plan(_ job: Job, _ pods: [Pod], after seconds: Int = 0) -> JobPlan {
        JobPlan(job, pods: pods, backoff: JobBackoff(), now: Sample.start + .seconds(seconds))
    }

    private static let rules: JSON = [
        "rules": [
            ["action": "FailJob", "onExitCodes": ["containerName": "c", "operator": "In", "values": [42, 43]]],
            ["action": "Ignore", "onPodConditions": [["type": "DisruptionTarget", "status": "True"]]],
            ["action": "FailIndex", "onExitCodes": ["operator": "NotIn", "values": [1, 2]]],
        ]
    ]

    @Test func `the first rule that fits decides about a failed pod`() {
        func failure(_ pod: Pod) -> JobFailure { JobFailure(of: pod, under: JobPoliciesTests.rules) }
        #expect(
            failure(pod("a", code: 42))
                == .failJob(
                    message:
                        "Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0"))
        #expect(failure(pod("a", code: 7)) == .failIndex)
        #expect(failure(pod("a", code: 1)) == .count)
        var disrupted = pod("a", code: 42)
        disrupted.json["status"]["containerStatuses"] = []
        disrupted.json["status"]["conditions"] = [Condition("DisruptionTarget", true, since: Sample.start).json]
        #expect(failure(disrupted) == .ignore)
        #expect(JobFailure(of: pod("a", code: 9), under: .null) == .count)
    }

    @Test func `a pod that fails the job ends the others, and the job once they have ended`() {
        var job = JobsTests.job(completions: 3, parallelism: 2)
        job.json["spec"]["podFailurePolicy"] = JobPoliciesTests.rules
        let (bad, other) = (pod("bad", code: 43), pod("other"))
        let first = plan(job, [bad, other])
        #expect(first.delete == [other])
        #expect(first.status.conditions.map(\.type) == ["FailureTarget"])
        #expect(first.status.conditions.first?.reason == "PodFailurePolicy")
        #expect(first.events.isEmpty)
        job.status = first.status
        job.status.uncounted = ([], [])
        var ending = other
        ending.metadata.deletionTimestamp = Sample.start
        let waiting = plan(job, [ending])
        #expect(waiting.status.finish == nil)
        #expect(plan(job, []).status.finish?.type == "Failed")
        #expect(plan(job, []).status.finish?.reason == "PodFailurePolicy")
    }

    @Test func `ignored failures are not counted and lose their finalizer`() {
        var job = JobsTests.job(backoffLimit: 0)
        job.json["spec"]["podFailurePolicy"] = [
            "rules": [["action": "Ignore", "onExitCodes": ["operator": "In", "values": [5]]]]
        ]
        let plan = plan(job, [pod("a", code: 5)])
        #expect(plan.status.uncounted.failed.isEmpty)
        #expect(plan.finalize.map(\.name) == ["a"])
        #expect(plan.status.finish == nil)
        #expect(plan.again == .seconds(10), "the next pod waits as after any failure")
    }

    @Test func `each index has failures of its own`() {
        var job = JobsTests.job(completions: 3, parallelism: 3, backoffLimit: .max, indexed: true)
        job.json["spec"]["backoffLimitPerIndex"] = 1
        let fresh = plan(job, [])
        #expect(fresh.create.map(\.index) == [0, 1, 2])
        #expect(fresh.create.allSatisfy { $0.annotations[JobIndexFailures.counted] == "0" })

        let pods = [
            pod("a", index: 0, code: 1, failures: 0), pod("b", index: 1, code: 0, failures: 0),
            pod("c", index: 2, failures: 0),
        ]
        let early = plan(job, pods, after: 3)
        #expect(early.create.isEmpty && early.again == .seconds(7))
        #expect(!early.finalize.contains { $0.name == "a" }, "the failed pod stays until its successor is made")
        let later = plan(job, pods, after: 10)
        #expect(later.create.map(\.index) == [0])
        #expect(later.create.first?.annotations[JobIndexFailures.counted] == "1")

        let successor = pod("d", index: 0, failures: 1)
        let counted = plan(job, pods + [successor], after: 11)
        #expect(counted.finalize.contains { $0.name == "a" })
        #expect(counted.status.uncounted.failed == ["uid-a"])

        let broken = plan(
            job, [pod("d", index: 0, code: 1, failures: 1), pod("b", index: 1, code: 0), pod("c", index: 2)], after: 60)
        #expect(broken.status.failedIndexes == "0")
        #expect(broken.status.completedIndexes == "1")
        #expect(broken.create.isEmpty && broken.delete.isEmpty, "the index is given up, the others go on")
        let over = plan(
            job, [pod("d", index: 0, code: 1, failures: 1), pod("b", index: 1, code: 0), pod("c", index: 2, code: 0)],
            after: 60)
        #expect(over.status.conditions.first?.reason == "FailedIndexes")

        job.json["spec"]["maxFailedIndexes"] = 0
        let strict = plan(job, [pod("d", index: 0, code: 1, failures: 1), pod("c", index: 2)], after: 60)
        #expect(strict.status.conditions.first?.reason == "MaxFailedIndexesExceeded")
        #expect(strict.delete.map(\.name) == ["c"])
    }

    @Test func `some indexes are enough when the policy says so`() {
        let done = JobIndexes([1, 2, 5])
        func message(_ rules: JSON) -> String? {
            JobSuccess.message(["rules": rules], succeeded: done, completions: 9)
        }
        #expect(message([["succeededIndexes": "1-2"]]) == "Matched rules at index 0")
        #expect(message([["succeededIndexes": "0-2"]]) == nil)
        #expect(message([["succeededIndexes": "0-2", "succeededCount": 2]]) == "Matched rules at index 0")
        #expect(message([["succeededCount": 4], ["succeededCount": 3]]) == "Matched rules at index 1")
        #expect(JobSuccess.message(.null, succeeded: done, completions: 9) == nil)

        var job = JobsTests.job(completions: 3, parallelism: 3, indexed: true)
        job.json["spec"]["successPolicy"] = ["rules": [["succeededIndexes": "1"]]]
        let plan = plan(job, [pod("a", index: 0), pod("b", index: 1, code: 0)])
        #expect(plan.delete.map(\.name) == ["a"])
        #expect(plan.status.conditions.map(\.type) == ["SuccessCriteriaMet"])
        #expect(plan.status.conditions.first?.reason == "SuccessPolicy")
    }

    @Test func `a pod that still ends is replaced at once, or only when it has failed`() {
        var ending = pod("a")
        ending.metadata.deletionTimestamp = Sample.start
        var job = JobsTests.job(parallelism: 1)
        let eager = plan(job, [ending], after: 60)
        #expect(eager.status.uncounted.failed == ["uid-a"])
        job.json["spec"]["podReplacementPolicy"] = "Failed"
        let patient = plan(job, [ending], after: 60)
        #expect(patient.create.isEmpty && patient.status.uncounted.failed.isEmpty)
        #expect(patient.status.terminating == 1)
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `sets of indexes do what sets of numbers do`(seed: Seed) {
        var random = seed
        func some() -> Set<Int> { Set((0..<Int(random.next() % 12)).map { _ in Int(random.next() % 20) }) }
        let (one, other, taken) = (some(), some(), some())
        let (left, right) = (JobIndexes(one), JobIndexes(other))
        #expect(left.count == one.count && left.union(other).count == one.union(other).count, "\(seed)")
        #expect(left.commonCount(with: right) == one.intersection(other).count, "\(seed)")
        let free = (0..<20).filter { !one.contains($0) && !other.contains($0) && !taken.contains($0) }
        let count = Int(random.next() % 8)
        #expect(
            left.firstMissing(count, below: 20, taken: taken, failed: right) == Array(free.prefix(count)), "\(seed)")
        #expect(JobIndexes(parsing: left.description, limit: 20) == left, "\(seed)")
    }
}
