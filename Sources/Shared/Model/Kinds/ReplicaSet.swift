/// `apps/v1 ReplicaSet`.
package struct ReplicaSet: Kind {
    package static let type = KindType(group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
