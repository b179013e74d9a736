/// `coordination.k8s.io/v1 Lease`. Writer: its holder; a node's agent for the leases of `kube-node-lease`.
package struct Lease: Kind {
    package static let type = KindType(group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases")
    package static let nodeNamespace = "kube-node-lease"
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var holder: String { json.at("spec", "holderIdentity").string ?? "" }
    package var renewTime: Timestamp? { json.at("spec", "renewTime").string.flatMap { Timestamp(rfc3339: $0) } }
}
