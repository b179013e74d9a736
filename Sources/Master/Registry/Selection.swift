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
        for requirement in fields.requirements where !resource.offers(selector: requirement.field) {
            throw Status(.badRequest, Selection.unknown(requirement.field, resource))
        }
    }

    private static func unknown(_ field: String, _ resource: Resource) -> String {
        guard resource.hasOwnSelectors else {
            return
                "\(field.goQuoted) is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        }
        return resource.kind == "Job" && resource.custom == nil
            ? "field label \(field.goQuoted) not supported for batchv1.Job" : "field label not supported: \(field)"
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
