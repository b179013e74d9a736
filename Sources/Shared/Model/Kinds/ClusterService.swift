/// `core/v1 Service`; called so because `Service` is a running part of a program.
package struct ClusterService: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "Service", plural: "services")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var clusterIP: String { json.at("spec", "clusterIP").string ?? "" }
    /// True when it has no address of its own (`clusterIP: None`).
    package var isHeadless: Bool { clusterIP == "None" }
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    package var type: String { json.at("spec", "type").string ?? "ClusterIP" }
    package var selector: [String: String] { json.at("spec", "selector").strings }
    package var ports: [JSON] { json.at("spec", "ports").items }
}
