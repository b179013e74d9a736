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
    /// What follows the subresource `proxy`.
    var rest = ""

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
