import Shared

/// Which objects of a collection a request means: label selector and field selector together.
struct Selection: Sendable {
    var labels = LabelSelector.everything
    var fields = FieldSelector.everything

    init() {}

    /// - Throws: 400 for a selector that does not parse or a field that the resource does not offer.
    init(_ query: Query, _ resource: Resource) throws(Status) {
        labels = try LabelSelector(parsing: query["labelSelector"] ?? "")
        fields = try FieldSelector(parsing: query["fieldSelector"] ?? "")
        for requirement in fields.requirements where resource.path(ofSelector: requirement.field) == nil {
            throw Status(
                .badRequest,
                "Unable to find \"\(resource.apiVersion), Resource=\(resource.plural)\" that match label selector \"\(labels)\", field selector \"\(fields)\": field label not supported: \(requirement.field)"
            )
        }
    }

    var isEverything: Bool { labels.isEmpty && fields.isEmpty }

    func matches(_ projection: Projection, _ key: ObjectKey) -> Bool {
        if isEverything { return true }
        return labels.matches(projection.labels)
            && fields.matches { field in
                switch field {
                case "metadata.name": key.name
                case "metadata.namespace": key.namespace
                default: projection.fields[field] ?? ""
                }
            }
    }

    /// The one name that a field selector asks for, if it does.
    var name: String? { fields.requirements.first { $0.field == "metadata.name" && $0.isEqual }?.value }
}
