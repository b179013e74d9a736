/// `batch/v1 CronJob`. Writers: spec = user, status = cron job controller.
package struct CronJob: Kind {
    package static let type = KindType(group: "batch", version: "v1", kind: "CronJob", plural: "cronjobs")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package enum Concurrency: String, Sendable {
        case allow = "Allow"
        case forbid = "Forbid"
        case replace = "Replace"
    }

    package var schedule: String { json.at("spec", "schedule").string ?? "" }
    /// A name of the time zone database; nil means the master's, which is UTC.
    package var timeZone: String? { json.at("spec", "timeZone").string }
    package var concurrency: Concurrency {
        json.at("spec", "concurrencyPolicy").string.flatMap(Concurrency.init(rawValue:)) ?? .allow
    }
    /// How late a job may start; nil means any time.
    package var startingDeadlineSeconds: Int? { json.at("spec", "startingDeadlineSeconds").int }
    package var isSuspended: Bool { json.at("spec", "suspend").bool ?? false }
    /// Finished jobs that are kept; nil keeps all.
    package var successfulJobsHistoryLimit: Int? { json.at("spec", "successfulJobsHistoryLimit").int }
    package var failedJobsHistoryLimit: Int? { json.at("spec", "failedJobsHistoryLimit").int }
    /// Metadata and spec of the jobs.
    package var jobTemplate: JSON { json.at("spec", "jobTemplate") }
    package var status: CronJobStatus {
        get { CronJobStatus(json["status"]) }
        set { json["status"] = newValue.json }
    }
}

package struct CronJobStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// References to the jobs that run.
    package var active: [JSON] {
        get { json["active"].items }
        set { json.set("active", newValue.isEmpty ? nil : .array(newValue)) }
    }
    package var lastScheduleTime: Timestamp? {
        get { time("lastScheduleTime") }
        set { setTime("lastScheduleTime", newValue) }
    }
    package var lastSuccessfulTime: Timestamp? {
        get { time("lastSuccessfulTime") }
        set { setTime("lastSuccessfulTime", newValue) }
    }
}
