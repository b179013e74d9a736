/// `batch/v1 Job`. Writers: spec = user, status = job controller.
package struct Job: Kind {
    package static let type = KindType(group: "batch", version: "v1", kind: "Job", plural: "jobs")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var parallelism: Int { json.at("spec", "parallelism").int ?? 1 }
    /// Nil: any success completes the job, once all its pods have ended.
    package var completions: Int? { json.at("spec", "completions").int }
    package var backoffLimit: Int { json.at("spec", "backoffLimit").int ?? 6 }
    /// Failures that each index may have; nil counts failures of the whole job only.
    package var backoffLimitPerIndex: Int? { json.at("spec", "backoffLimitPerIndex").int }
    package var maxFailedIndexes: Int? { json.at("spec", "maxFailedIndexes").int }
    /// A pod is replaced once it has failed, not while it still ends.
    package var replacesFailedOnly: Bool {
        json.at("spec", "podReplacementPolicy").string == "Failed" || !json.at("spec", "podFailurePolicy").isNull
    }
    package var activeDeadlineSeconds: Int? { json.at("spec", "activeDeadlineSeconds").int }
    package var secondsAfterFinished: Int? { json.at("spec", "ttlSecondsAfterFinished").int }
    package var isIndexed: Bool { json.at("spec", "completionMode").string == "Indexed" }
    package var isSuspended: Bool { json.at("spec", "suspend").bool ?? false }
    /// Nil selects nothing.
    package var selector: LabelSelector? { LabelSelector(json.at("spec", "selector")) }
    package var template: PodTemplate { PodTemplate(json.at("spec", "template")) }
    package var status: JobStatus {
        get { JobStatus(json["status"]) }
        set { json["status"] = newValue.json }
    }
    /// Complete or Failed: nothing of it will run again.
    package var isFinished: Bool { status.finish != nil }
}

package struct JobStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var active: Int {
        get { json["active"].int ?? 0 }
        set { setCount("active", newValue) }
    }
    /// Active pods that are ready.
    package var ready: Int {
        get { json["ready"].int ?? 0 }
        set { json["ready"] = JSON(newValue) }
    }
    package var terminating: Int {
        get { json["terminating"].int ?? 0 }
        set { json["terminating"] = JSON(newValue) }
    }
    package var succeeded: Int {
        get { json["succeeded"].int ?? 0 }
        set { setCount("succeeded", newValue) }
    }
    package var failed: Int {
        get { json["failed"].int ?? 0 }
        set { setCount("failed", newValue) }
    }
    /// `1,3-5`: the indexes that have succeeded.
    package var completedIndexes: String {
        get { text("completedIndexes") }
        set { setText("completedIndexes", newValue) }
    }
    /// `1,3-5`: the indexes that have failed for good; nil while none may.
    package var failedIndexes: String? {
        get { json["failedIndexes"].string }
        set { json.set("failedIndexes", newValue.map { .string($0) }) }
    }
    package var startTime: Timestamp? {
        get { time("startTime") }
        set { setTime("startTime", newValue) }
    }
    package var completionTime: Timestamp? {
        get { time("completionTime") }
        set { setTime("completionTime", newValue) }
    }
    /// Uids of pods that have ended and whose finalizer is being removed; they are counted once that is done.
    package var uncounted: (succeeded: [String], failed: [String]) {
        get {
            let lists = json["uncountedTerminatedPods"]
            return (lists["succeeded"].items.compactMap(\.string), lists["failed"].items.compactMap(\.string))
        }
        set {
            var lists: JSON = [:]
            if !newValue.succeeded.isEmpty { lists["succeeded"] = JSON(newValue.succeeded) }
            if !newValue.failed.isEmpty { lists["failed"] = JSON(newValue.failed) }
            json["uncountedTerminatedPods"] = lists
        }
    }
    package var conditions: [Condition] {
        get { views("conditions") }
        set { json.set("conditions", newValue.isEmpty ? nil : .array(newValue.map(\.json))) }
    }
    /// The condition Complete or Failed that ended the job.
    package var finish: Condition? { conditions.first { ($0.type == "Complete" || $0.type == "Failed") && $0.isTrue } }
}
