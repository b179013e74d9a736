/// `discovery.k8s.io/v1 EndpointSlice`.
package struct EndpointSlice: Kind {
    package static let type = KindType(
        group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
