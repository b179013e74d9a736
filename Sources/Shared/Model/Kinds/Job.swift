/// `batch/v1 Job`.
package struct Job: Kind {
    package static let type = KindType(group: "batch", version: "v1", kind: "Job", plural: "jobs")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
