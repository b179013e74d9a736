import Shared

/// What a request asks for, read from its method and path alone: the attributes that authorization sees.
/// Source: apiserver `endpoints/request.RequestInfo`.
struct RequestInfo: Sendable, Equatable {
    /// `get list watch create update patch delete deletecollection`; for other paths the method in lower case.
    var verb: String
    /// The path, decoded; what non-resource rules match.
    var path: String
    var isResource = false
    var group = ""
    var version = ""
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    /// The name stands in a field selector of a collection, not in the path.
    var isNamedBySelector = false
    /// What follows the subresource `proxy`.
    var rest = ""

    /// The name in the path; empty for a collection.
    var pathName: String { isNamedBySelector ? "" : name }
    var groupResource: GroupResource { GroupResource(group: group, resource) }

    /// - Parameters:
    ///   - segments: the decoded segments of the path, without empty ones.
    init(method: String, segments: [String], query: Query) {
        path = "/" + segments.joined(separator: "/")
        verb = method.lowercased()
        var rest = segments[...]
        switch rest.popFirst() {
        case "api":
            guard let version = rest.popFirst(), !rest.isEmpty else { return }
            self.version = version
        case "apis":
            guard let group = rest.popFirst(), let version = rest.popFirst(), !rest.isEmpty else { return }
            (self.group, self.version) = (group, version)
        default: return
        }
        isResource = true
        if rest.first == "watch" {
            // The deprecated form /api/v1/watch/…; its verb is watch.
            rest.removeFirst()
            verb = "watch"
        }
        if rest.first == "namespaces", rest.count > 2,
            !RequestInfo.ofNamespace.contains(rest[rest.startIndex + 2]) || rest.count > 3
        {
            rest.removeFirst()
            namespace = rest.removeFirst()
        }
        resource = rest.popFirst() ?? ""
        name = rest.popFirst() ?? ""
        subresource = rest.popFirst() ?? ""
        self.rest = rest.joined(separator: "/")
        if resource == "namespaces" { namespace = name }
        if verb != "watch" { verb = resourceVerb(method, query) }
        if name.isEmpty, ["list", "watch", "deletecollection"].contains(verb) {
            name = RequestInfo.selectedName(query)
            isNamedBySelector = !name.isEmpty
        }
    }

    /// A collection that a field selector narrows to one object is asked for with the right to that object.
    private static func selectedName(_ query: Query) -> String {
        guard let text = query["fieldSelector"], text.utf8.count <= Limits.selectedNameBytesMax else { return "" }
        for term in text.split(separator: ",") {
            for sign in ["==", "="] {
                let label = "metadata.name" + sign
                if term.hasPrefix(label) { return String(term.dropFirst(label.count)) }
            }
        }
        return ""
    }

    /// The subresources of a namespace itself, which are no resources inside it.
    private static let ofNamespace: Set<String> = ["status", "finalize"]

    private func resourceVerb(_ method: String, _ query: Query) -> String {
        switch method {
        case "POST": return "create"
        case "PUT": return "update"
        case "PATCH": return "patch"
        case "DELETE": return name.isEmpty ? "deletecollection" : "delete"
        case "GET", "HEAD":
            if query.bool("watch"), subresource.isEmpty { return "watch" }
            return name.isEmpty ? "list" : "get"
        default: return method.lowercased()
        }
    }
}
