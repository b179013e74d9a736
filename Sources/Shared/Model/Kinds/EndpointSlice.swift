/// `discovery.k8s.io/v1 EndpointSlice`.
package struct EndpointSlice: Kind {
    package static let type = KindType(
        group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices")
    package static let serviceLabel = "kubernetes.io/service-name"
    package static let managerLabel = "endpointslice.kubernetes.io/managed-by"
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// The service that it is part of; nil when it is of none.
    package var service: String? { metadata.labels[EndpointSlice.serviceLabel] }
    package func isManaged(by manager: String) -> Bool { metadata.labels[EndpointSlice.managerLabel] == manager }
    /// `IPv4`, `IPv6` or `FQDN`.
    package var addressType: String {
        get { text("addressType") }
        set { setText("addressType", newValue) }
    }
    package var endpoints: [Endpoint] {
        get { views("endpoints") }
        set { setViews("endpoints", newValue) }
    }
    package var ports: [JSON] {
        get { json["ports"].items }
        set { json["ports"] = .array(newValue) }
    }

    /// `discovery/v1 Endpoint`.
    package struct Endpoint: View {
        package var json: JSON
        package init(_ json: JSON) { self.json = json }

        package var addresses: [String] { json["addresses"].items.compactMap(\.string) }
        /// Nil is to be read as true.
        package var isReady: Bool { json.at("conditions", "ready").bool ?? true }
        package var isServing: Bool { json.at("conditions", "serving").bool ?? isReady }
        package var isTerminating: Bool { json.at("conditions", "terminating").bool ?? false }
        package var nodeName: String { text("nodeName") }
    }
}
