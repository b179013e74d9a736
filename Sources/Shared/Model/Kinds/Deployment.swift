/// `apps/v1 Deployment`.
package struct Deployment: Kind {
    package static let type = KindType(group: "apps", version: "v1", kind: "Deployment", plural: "deployments")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
