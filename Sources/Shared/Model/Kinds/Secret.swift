/// `core/v1 Secret`.
package struct Secret: Kind {
    package static let type = KindType(group: "", version: "v1", kind: "Secret", plural: "secrets")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }
}
