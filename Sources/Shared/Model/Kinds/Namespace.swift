/// `core/v1 Namespace`.
package struct Namespace: Kind {
    package static let type = KindType(
        group: "", version: "v1", kind: "Namespace", plural: "namespaces", isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var isTerminating: Bool { json.at("status", "phase").string == "Terminating" }
}
