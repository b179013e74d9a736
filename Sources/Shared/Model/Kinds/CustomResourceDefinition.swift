/// `apiextensions.k8s.io/v1 CustomResourceDefinition`. Writers: spec = user, status = the controller of definitions.
package struct CustomResourceDefinition: Kind {
    package static let type = KindType(
        group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions", isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Keeps a definition until its objects are gone.
    package static let finalizer = "customresourcecleanup.apiextensions.k8s.io"

    package var group: String { json.at("spec", "group").string ?? "" }
    private var plural: String { json.at("spec", "names", "plural").string ?? "" }
    private var isEstablished: Bool { condition("Established")?.isTrue ?? false }
    private var servedVersion: String? {
        json.at("spec", "versions").items.first { $0["served"].bool ?? false }?["name"].string
    }

    /// The path of all its objects; nil when they are not served.
    package var collection: String? {
        guard isEstablished, let servedVersion else { return nil }
        return "/apis/\(group)/\(servedVersion)/\(plural)"
    }
    /// The path of one of its objects.
    package func path(of object: Object) -> String {
        let namespace = object.namespace.isEmpty ? "" : "/namespaces/\(object.namespace)"
        return "/apis/\(group)/\(servedVersion ?? "")\(namespace)/\(plural)/\(object.name)"
    }
}
