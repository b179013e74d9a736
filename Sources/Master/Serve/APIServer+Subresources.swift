import Shared

extension APIServer {
    /// Paths below an object other than its status: another view of it, or its agent.
    func answerSubresource(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let resource = access.resource
        guard let subresource = resource.subresource(access.subresource) else {
            throw Status.unknownResource
        }
        let verb = call.info.verb
        guard subresource.verbs.contains(verb) || subresource.takesPath else {
            throw Status.wrongMethod
        }
        switch (resource.plural, access.subresource) {
        case (_, "scale"): return try await scale(call, access)
        case ("pods", "binding"): return try await bind(call, access)
        case ("pods", "eviction"): return try await evict(call, access)
        case ("pods", "log"), ("pods", "exec"), ("pods", "attach"), ("pods", "portforward"):
            return try await nodes.serve(call, pod: try storage.get(access.whole), subresource: access.subresource)
        case ("nodes", "proxy"), ("pods", "proxy"), ("services", "proxy"): return try await nodes.proxy(call, access)
        case ("serviceaccounts", "token"): return try await requestToken(call, access)
        default:
            throw Status(
                .methodNotAllowed,
                "\(resource.plural)/\(access.subresource) is not served by this version; see the list of subresources in /api/v1"
            )
        }
    }

    /// Gives a pod its node, once. Source: core/v1 `Binding`.
    private func bind(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let body = try call.body().json
        if let name = body["metadata"]["name"].string, !name.isEmpty, name != access.name {
            throw Status(.badRequest, "name in URL does not match name in Binding object")
        }
        let errors = Validation.podBinding(body)
        guard errors.isEmpty else { throw FieldError.aggregate(errors) }
        let node = body["target"]["name"].string ?? ""
        let annotations = body["metadata"]["annotations"].strings
        try await storage.bind(
            access.whole, to: node, annotations: annotations, uid: body["metadata"]["uid"].string ?? "",
            try call.writeOptions())
        return Answer.json(
            201, ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201])
    }

    /// A binding that names its pod in the body: `POST …/bindings`.
    func bindNamed(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let name = try call.body().json["metadata"]["name"].string ?? ""
        guard !name.isEmpty, let pods = storage.registry.resource(group: "", kind: "Pod") else {
            throw Status(
                .invalid, "Binding \"\" is invalid: metadata.name: Required value: name or generateName is required")
        }
        let pod = Storage.Access(
            resource: pods, namespace: access.namespace, name: name, subresource: "binding", user: access.user)
        return try await bind(call, pod)
    }

    func componentStatuses(_ call: Call, _ access: Storage.Access) throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let objects =
            access.name.isEmpty
            ? ComponentStatuses.all(try Selection(call.query, access.resource))
            : [try ComponentStatuses.find(access.name)]
        if case .table = representation {
            let table = Table.make(access.resource, objects, now: storage.clock.now())
            return Answer.json(200, table, warnings: [ComponentStatuses.warning])
        }
        if let only = objects.first, !access.name.isEmpty {
            return Answer.json(200, only, warnings: [ComponentStatuses.warning])
        }
        let list: JSON = [
            "kind": .string(access.resource.listKind), "apiVersion": "v1", "metadata": [:], "items": .array(objects),
        ]
        return Answer.json(200, list, warnings: [ComponentStatuses.warning])
    }

    /// Deletes a pod unless a disruption budget forbids it. Source: policy/v1 `Eviction`.
    private func evict(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let body = try await admit(try call.body().json, call, access)
        let whole = access.whole
        if let name = body["metadata"]["name"].string, !name.isEmpty, name != access.name {
            throw Status(.badRequest, "name in URL does not match name in Eviction object: \(access.name) != \(name)")
        }
        var options = try call.writeOptions()
        if body["deleteOptions"]["dryRun"].items.contains("All") { options.isDryRun = true }
        let pod = Pod(try storage.get(whole).json())
        // A pod that serves nobody is no disruption.
        if !pod.isFinished, pod.status.phase != .pending, !pod.metadata.isDeleting {
            try await storage.takeDisruption(for: pod, options)
        }
        var deletion = try DeletionPlan.Options(body["deleteOptions"], call.query)
        if !options.isDryRun { try await storage.markEvicted(whole, &deletion) }
        _ = try await storage.delete(whole, deletion, options)
        return Answer.json(
            201, ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201])
    }

    /// What admission makes of the body of a subresource that is created.
    private func admit(_ body: JSON, _ call: Call, _ access: Storage.Access) async throws(Status) -> JSON {
        var admitted = AdmissionCall(
            operation: .create, resource: access.resource, subresource: access.subresource, namespace: access.namespace,
            name: access.name, user: call.user, isDryRun: try call.writeOptions().isDryRun, old: .null, object: body)
        try await storage.admission.mutate(&admitted)
        try await storage.admission.validate(&admitted)
        return admitted.object
    }

    private func requestToken(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let body = try await admit(try call.body().json, call, access)
        return Answer.json(
            201, try tokens.issue(body, namespace: access.namespace, account: try storage.get(access.whole)))
    }
}

extension Storage.Access {
    /// Subresources that are the object itself, of which only a part may be written.
    static let views: Set<String> = ["status", "finalize", "approval", "ephemeralcontainers", "resize"]

    /// The object that the subresource belongs to.
    var whole: Storage.Access {
        Storage.Access(resource: resource, namespace: namespace, name: name, subresource: "", user: user)
    }
}
