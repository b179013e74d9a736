import Shared

/// The request chain: authenticate, authorize, then the part that serves the path. A plain function that calls its
/// stages in order; the same one answers sockets and the master's own parts.
struct APIServer: Sendable {
    let storage: Storage
    let authenticate: Authenticate
    let authorize: Authorize
    let documents: Documents
    let nodes: NodeProxy
    let tokens: ServiceAccountTokens
    let metrics: ResourceMetrics
    let log: Log

    /// Answers one request. Never throws: every refusal is an answer.
    /// - Parameter identity: who sends it, when that is known otherwise than from the request (in-process callers).
    func answer(_ incoming: HTTPServerRequest, as identity: User? = nil) async -> HTTPServerReply {
        do throws(Status) {
            return try await serve(incoming, identity)
        } catch {
            if error.code >= 500 {
                log.warning("a request failed", ("target", incoming.request.target), ("error", error.message))
            }
            return Answer.failure(error)
        }
    }

    private func serve(_ incoming: HTTPServerRequest, _ identity: User?) async throws(Status) -> HTTPServerReply {
        let request = incoming.request
        let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var segments: [String] = []
        for part in (parts.first ?? "").split(separator: "/") {
            guard let segment = URLText.decode(part) else {
                throw Status(.badRequest, "the path \"\(parts[0])\" has a broken % escape")
            }
            segments.append(segment)
        }
        guard let query = Query(parsing: parts.count == 2 ? parts[1] : "") else {
            throw Status(.badRequest, "the query of the request has a broken % escape")
        }
        let info = RequestInfo(method: request.method, segments: segments, query: query)
        let user: User
        if let identity { user = identity } else { user = try authenticate(incoming) }
        try authorize(user, info)
        let call = Call(request: request, query: query, info: info, user: user)
        if !info.isResource { return try documents.answer(call) }
        guard let resource = storage.registry.resource(group: info.group, version: info.version, plural: info.resource)
        else { return Answer.text(404, "404 page not found\n") }
        let reply = try await answer(call, resource)
        return resource.custom?.warning.map { Answer.warned(reply, $0) } ?? reply
    }

    /// Subresources that are a part of the stored object, with the verbs of objects.
    private static let ofTheObject: Set<String> = ["status", "finalize", "approval", "ephemeralcontainers", "resize"]

    private func answer(_ call: Call, _ resource: Resource) async throws(Status) -> HTTPServerReply {
        let info = call.info
        if resource.isNamespaced, info.namespace.isEmpty,
            !info.name.isEmpty || ["create", "deletecollection"].contains(info.verb)
        {
            if resource.allows("get") {
                throw Status(.methodNotAllowed, "the server does not allow this method on the requested resource")
            }
        }
        if !resource.isNamespaced, !info.namespace.isEmpty, resource.plural != "namespaces" {
            return Answer.text(404, "404 page not found\n")
        }
        // The path of a namespace names itself as its namespace; the object has none.
        let access = Storage.Access(
            resource: resource, namespace: resource.isNamespaced ? info.namespace : "", name: info.name,
            subresource: info.subresource, user: call.user)
        if resource.custom != nil, !info.subresource.isEmpty, resource.subresource(info.subresource) == nil {
            throw Status.notFound(resource.groupResource, info.name)
        }
        if !info.subresource.isEmpty, !APIServer.ofTheObject.contains(info.subresource) {
            return try await answerSubresource(call, access)
        }
        if resource.group == "metrics.k8s.io", info.subresource.isEmpty, ["get", "list"].contains(info.verb) {
            return try await metrics.answer(call, access)
        }
        if resource.plural == "componentstatuses", resource.group.isEmpty, ["get", "list"].contains(info.verb) {
            return try componentStatuses(call, access)
        }
        if resource.plural == "bindings", resource.group.isEmpty, info.verb == "create", info.name.isEmpty {
            return try await bindNamed(call, access)
        }
        if let review = Reviews(authorize: authorize, authenticate: authenticate).answer(call, resource) {
            return try review.get()
        }
        guard resource.allows(info.verb == "deletecollection" ? "deletecollection" : info.verb), resource.isStored
        else {
            throw Status(.methodNotAllowed, "the server does not allow this method on the requested resource")
        }
        switch info.verb {
        case "get": return try get(call, access)
        case "list": return try await list(call, access)
        case "watch": return try watch(call, access)
        case "create": return try await create(call, access)
        case "update": return try await update(call, access)
        case "patch": return try await patch(call, access)
        case "delete": return try await delete(call, access)
        case "deletecollection": return try await deleteCollection(call, access)
        default: throw Status(.methodNotAllowed, "the server does not allow this method on the requested resource")
        }
    }
}
