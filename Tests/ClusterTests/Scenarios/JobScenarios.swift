import Shared
import TestKit
import Testing

/// Source: the job controller.
struct JobScenarios {
    /// - Parameter spec: what differs from the defaults.
    private static func job(
        _ spec: JSON = [:], _ status: JSON, condition: JSON = .null, isWorkQueue: Bool = false
    ) -> JSON {
        var whole: JSON = [
            "backoffLimit": 6, "parallelism": 1, "selector": ["matchLabels": ["controller-uid": "<uid:Job/sum>"]],
        ]
        if !isWorkQueue { whole["completions"] = 1 }
        for (key, value) in spec.members { whole[key] = value }
        let isComplete = condition["type"] == "Complete"
        var job: JSON = [
            "name": "sum", "labels": ["controller-uid": "<uid:Job/sum>", "job-name": "sum"], "spec": whole,
            "status": status, "hasStart": true, "hasCompletion": .bool(isComplete),
        ]
        if !condition.isNull { job["conditions"] = [condition] }
        return job
    }
    private static let complete: JSON = ["type": "Complete", "status": "True"]
    private static func failed(_ reason: String, _ message: String) -> JSON {
        ["type": "Failed", "status": "True", "reason": .string(reason), "message": .string(message)]
    }
    private static func event(
        _ reason: String, _ message: String, count: Int = 1, isWarning: Bool = false
    ) -> JSON {
        Scenario.event("Job/sum", reason, message, count: count, isWarning: isWarning)
    }
    private static let created = "Created pod: sum-*"

    @Test func `pods that a lower parallelism takes away have not failed`() async throws {
        let spec: JSON = ["completions": 6, "parallelism": 4]
        var scenario = Scenario("job")
        scenario.step([Scenario.create(Scenario.job(spec: spec))], ["Job": [Self.job(spec, ["active": 4])]])
        scenario.step(
            [Scenario.set("Job", "sum", ["parallelism": 1])],
            [
                "Job": [Self.job(["completions": 6], ["active": 1])],
                "events": [
                    Self.event("SuccessfulCreate", Self.created, count: 4),
                    Self.event("SuccessfulDelete", "Deleted pod: sum-*", count: 3),
                ],
            ])
        scenario.step(
            [Scenario.set("Job", "sum", ["parallelism": 0])],
            ["Job": [Self.job(["completions": 6, "parallelism": 0], [:])]])
        try await scenario.play()
    }

    @Test func `restarts within pods count against the limit of a job that restarts its containers`() async throws {
        let message = "Job has reached the specified backoff limit"
        var scenario = Scenario("job")
        scenario.step(
            [Scenario.create(Scenario.job(image: "run:1", restart: "OnFailure", spec: ["backoffLimit": 3]))], [:])
        scenario.step(
            [["op": "patchpods", "restarts": 2]], ["Job": [Self.job(["backoffLimit": 3], ["active": 1])]])
        scenario.step(
            [["op": "patchpods", "restarts": 3]],
            [
                "Job": [
                    Self.job(
                        ["backoffLimit": 3], ["failed": 1], condition: Self.failed("BackoffLimitExceeded", message))
                ], "Pod": [],
                "events": [
                    Self.event("SuccessfulCreate", Self.created),
                    Self.event("SuccessfulDelete", "Deleted pod: sum-*"),
                    Self.event("BackoffLimitExceeded", message, isWarning: true),
                ],
            ])
        try await scenario.play()
    }

    @Test func `a work queue is done when one has succeeded and the others have ended, however`() async throws {
        var scenario = Scenario("job")
        scenario.step([Scenario.create(Scenario.job(spec: ["parallelism": 2]))], [:])
        scenario.step(
            [Scenario.move(to: "succeeded", first: 1)],
            ["Job": [Self.job(["parallelism": 2], ["active": 1, "succeeded": 1], isWorkQueue: true)]])
        scenario.step(
            [Scenario.move(to: "failed", phase: "Pending")],
            [
                "Job": [
                    Self.job(
                        ["parallelism": 2], ["failed": 1, "succeeded": 1], condition: Self.complete, isWorkQueue: true)
                ],
                "events": [
                    Self.event("SuccessfulCreate", Self.created, count: 2), Self.event("Completed", "Job completed"),
                ],
            ])
        try await scenario.play()
    }

    @Test func `a job that wants no completions is complete at once`() async throws {
        var scenario = Scenario("job")
        scenario.step(
            [Scenario.create(Scenario.job(spec: ["completions": 0]))],
            [
                "Job": [Self.job(["completions": 0], [:], condition: Self.complete)], "Pod": [],
                "events": [Self.event("Completed", "Job completed")],
            ])
        try await scenario.play()
    }

    @Test func `a deadline ends a job that waits to try again`() async throws {
        let message = "Job was active longer than specified deadline"
        var scenario = Scenario("job")
        scenario.step([Scenario.create(Scenario.job(spec: ["activeDeadlineSeconds": 5]))], [:])
        scenario.step(
            [Scenario.move(to: "failed"), Scenario.wait(6)],
            [
                "Job": [
                    Self.job(
                        ["activeDeadlineSeconds": 5], ["failed": 1], condition: Self.failed("DeadlineExceeded", message)
                    )
                ],
                "events": [
                    Self.event("SuccessfulCreate", Self.created),
                    Self.event("DeadlineExceeded", message, isWarning: true),
                ],
            ])
        try await scenario.play()
    }
}
