/// `core/v1 Endpoints`.
package struct Endpoints: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "Endpoints", plural: "endpoints")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
