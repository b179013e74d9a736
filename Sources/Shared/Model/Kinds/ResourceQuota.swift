/// `core/v1 ResourceQuota`. Writers: spec = user, status = admission (what is added) and the quota controller (what is
/// really there).
package struct ResourceQuota: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Limits by name, as written.
    package var hard: [String: String] { json.at("spec", "hard").strings }
}
