/// `coordination.k8s.io/v1 Lease`.
package struct Lease: Kind {
    package static let type = KindType(group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
