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
    let counts: RequestCounts
    /// Nil when nobody asked for one.
    let audit: AuditLog?
    let log: Log
    var inFlight = InFlight()

    /// Who sends a request, once that is known.
    private struct Caller {
        let user: User
        /// Who acts as the user; nil when he speaks for himself.
        let actor: String?
    }

    /// Answers one request. Never throws: every refusal is an answer.
    /// - Parameter identity: who sends it, when that is known otherwise than from the request (in-process callers).
    func answer(_ incoming: HTTPServerRequest, as identity: User? = nil) async -> HTTPServerReply {
        let start = storage.clock.uptime()
        let request = incoming.request
        let info: RequestInfo
        let query: Query
        do throws(Status) {
            (info, query) = try APIServer.parse(request)
        } catch {
            return Answer.failure(error)
        }
        let isChange = !["GET", "HEAD", "OPTIONS"].contains(request.method)
        counts.begin(isChange: isChange)
        let trail = audit != nil && AuditLog.concerns(info) ? AuditTrail() : nil
        var caller: Caller?
        var refusal: Status?
        var reply: HTTPServerReply
        do throws(Status) {
            reply = try await serve(incoming, info, query, identity, trail, &caller)
        } catch {
            if error.code >= 500 {
                log.warning("a request failed", ("target", request.target), ("error", error.message))
            }
            refusal = error
            reply = Answer.failure(error)
        }
        reply = Form(request, query).apply(to: reply)
        counts.end(
            info, isKnown: isKnown(info), isChange: isChange, code: reply.code,
            seconds: (storage.clock.uptime() - start).inSeconds)
        if let audit, let trail {
            audit.note(entry(incoming, info, query, trail, caller, code: reply.code, reason: refusal?.reason.rawValue))
        }
        return reply
    }

    private func isKnown(_ info: RequestInfo) -> Bool {
        info.isResource
            && storage.registry.resource(group: info.group, version: info.version, plural: info.resource) != nil
    }

    private func entry(
        _ incoming: HTTPServerRequest, _ info: RequestInfo, _ query: Query, _ trail: AuditTrail, _ caller: Caller?,
        code: Int, reason: String?
    ) -> AuditLog.Entry {
        AuditLog.Entry(
            time: storage.clock.now(), user: caller?.user ?? .anonymous, actor: caller?.actor,
            source: incoming.peer.description,
            agent: String((incoming.request.headers["User-Agent"] ?? "").prefix(128)),
            info: info, name: info.pathName.isEmpty ? trail.name : info.pathName, code: code, reason: reason ?? "",
            isDryRun: query["dryRun"] == "All", revision: trail.revision)
    }

    /// What a request asks for.
    private static func parse(_ request: HTTPRequest) throws(Status) -> (RequestInfo, Query) {
        let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var segments: [String] = []
        let path = parts.first ?? ""
        // Empty segments within the path count: /namespaces//pods is the pods of all namespaces.
        var trimmed = path[...]
        while trimmed.first == "/" { trimmed.removeFirst() }
        while trimmed.last == "/" { trimmed.removeLast() }
        for part in trimmed.isEmpty ? [] : trimmed.split(separator: "/", omittingEmptySubsequences: false) {
            guard let segment = URLText.decode(part) else {
                throw Status(.badRequest, "the path \"\(path)\" has a broken % escape")
            }
            segments.append(segment)
        }
        guard let query = Query(parsing: parts.count == 2 ? parts[1] : "") else {
            throw Status(.badRequest, "the query of the request has a broken % escape")
        }
        var info = RequestInfo(method: request.method, segments: segments, query: query)
        if !info.isResource, path.hasSuffix("/"), info.path != "/" { info.path += "/" }
        return (info, query)
    }

    private func serve(
        _ incoming: HTTPServerRequest, _ info: RequestInfo, _ query: Query, _ identity: User?, _ trail: AuditTrail?,
        _ caller: inout Caller?
    ) async throws(Status) -> HTTPServerReply {
        let request = incoming.request
        let sender: User
        if let identity { sender = identity } else { sender = try authenticate(incoming, info) }
        caller = Caller(user: sender, actor: nil)
        let user: User
        do {
            user = try Impersonate(authorize: authorize)(sender, request.headers)
        } catch let problem as Impersonate.Malformed {
            return Answer.plainFailure(500, "Internal Server Error: \(Answer.quotedTarget(request)): \(problem.text)")
        } catch let status as Status {
            throw status
        } catch {
            throw Status(.internalError, "\(error)")
        }
        if user != sender { caller = Caller(user: user, actor: sender.name) }
        try authorize(user, info)
        let call = Call(request: request, query: query, info: info, user: user, trail: trail)
        guard request.body.count <= Limits.bodyBytesMax else {
            throw Status(.requestEntityTooLarge, "Request entity too large: limit is \(Limits.bodyBytesMax)")
        }
        if !info.isResource { return try documents.answer(call) }
        if APIServer.asksForFirstAutoscalers(info) {
            return try await answerFirstAutoscalers(call) { request async throws(Status) in
                let (latest, query) = try APIServer.parse(request)
                var same: Caller?
                return try await serve(
                    HTTPServerRequest(request: request, peer: incoming.peer, local: incoming.local), latest, query,
                    user, trail, &same)
            }
        }
        let kind = call.isWatch ? nil : call.isWrite ? InFlight.Kind.write : .read
        if let kind { try inFlight.enter(kind, isExempt: user.groups.contains("system:masters")) }
        defer { if let kind { inFlight.leave(kind) } }
        guard let resource = storage.registry.resource(group: info.group, version: info.version, plural: info.resource)
        else {
            // Nobody answers for a group that only definitions have made.
            if !info.group.isEmpty,
                storage.registry.resources.allSatisfy({ $0.group != info.group || $0.custom != nil })
            {
                return Answer.plainFailure(404, "404 page not found")
            }
            throw Status.unknownResource
        }
        let reply = try await answer(call, resource)
        return resource.custom?.warning.map { Answer.warned(reply, $0) } ?? reply
    }

    private func answer(_ call: Call, _ resource: Resource) async throws(Status) -> HTTPServerReply {
        let info = call.info
        if call.request.method == "HEAD", info.subresource != "proxy" { throw Status.wrongMethod }
        if !info.subresource.isEmpty, resource.subresource(info.subresource) == nil {
            guard resource.custom != nil else { throw Status.unknownResource }
            throw Status.notFound(resource.groupResource, info.name)
        }
        if info.pathName.isEmpty, ["update", "patch"].contains(info.verb) { throw Status.wrongMethod }
        if Storage.Access.views.contains(info.subresource),
            resource.subresource(info.subresource)?.verbs.contains(info.verb) == false
        {
            throw Status.wrongMethod
        }
        if resource.isNamespaced, info.namespace.isEmpty,
            !info.pathName.isEmpty || ["create", "deletecollection"].contains(info.verb)
        {
            if resource.allows("get") {
                throw info.pathName.isEmpty ? Status.wrongMethod : Status.unknownResource
            }
        }
        if !resource.isNamespaced, !info.namespace.isEmpty, resource.plural != "namespaces" {
            return Answer.text(404, "404 page not found\n")
        }
        // The path of a namespace names itself as its namespace; the object has none.
        let access = Storage.Access(
            resource: resource, namespace: resource.isNamespaced ? info.namespace : "", name: info.pathName,
            subresource: info.subresource, user: call.user)
        if info.subresource == "scale", let paths = resource.custom?.scale {
            return try await customScale(call, access, paths)
        }
        if !info.subresource.isEmpty, !Storage.Access.views.contains(info.subresource) {
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
            throw Status.wrongMethod
        }
        // A collection is created in and listed, an object read and changed.
        let isOfCollections = ["create", "list", "deletecollection"].contains(info.verb)
        if info.subresource.isEmpty, info.verb != "watch", isOfCollections != info.pathName.isEmpty {
            throw Status.wrongMethod
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
        default: throw Status.wrongMethod
        }
    }
}
