import Shared

extension APIServer {
    /// Paths below an object other than its status: another view of it, or its agent.
    func answerSubresource(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let resource = access.resource
        guard let subresource = resource.subresource(access.subresource) else {
            throw Status(.notFound, "the server could not find the requested resource")
        }
        let verb = call.info.verb
        guard subresource.verbs.contains(verb) || subresource.takesPath else {
            throw Status(.methodNotAllowed, "the server does not allow this method on the requested resource")
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

    /// `autoscaling/v1 Scale`: the replica count of a workload, read or set by itself.
    private func scale(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let whole = access.whole
        switch call.info.verb {
        case "get": return Answer.json(200, Scale.of(try storage.get(whole).json()))
        case "patch":
            let patch = try PatchBody(call)
            let options = try call.writeOptions()
            let written = try await storage.modify(whole, options) { old throws(Status) in
                let before = Scale.of(old)
                let after: JSON
                switch patch.format {
                case .json: after = try JSONPatch.apply(patch.json, to: before)
                default: after = MergePatch.apply(patch.json, to: before)
                }
                return try Scale.set(after, on: old)
            }
            return Answer.json(200, Scale.of(try written.stored.json()))
        default:
            // kubectl sends this body without a media type.
            let (body, _) = try call.body(contentType: "application/json")
            let written = try await storage.modify(whole, try call.writeOptions()) { old throws(Status) in
                try Scale.set(body, on: old)
            }
            return Answer.json(200, Scale.of(try written.stored.json()))
        }
    }

    /// Gives a pod its node, once. Source: core/v1 `Binding`.
    private func bind(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let body = try call.body().json
        let node = body["target"]["name"].string ?? ""
        guard !node.isEmpty else {
            throw Status(.invalid, "Binding \"\(access.name)\" is invalid: target.name: Required value")
        }
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
        let body = try call.body().json
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
        let deletion = try DeletionPlan.Options(body["deleteOptions"], call.query)
        _ = try await storage.delete(whole, deletion, options)
        return Answer.json(
            201, ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201])
    }

    private func requestToken(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let body = try call.body().json
        let account = try storage.get(access.whole)
        let node = try await tokens.check(
            call.user, body, namespace: access.namespace, account: access.name, storage: storage)
        return Answer.json(
            201,
            try tokens.issue(
                body, namespace: access.namespace, name: access.name, uid: account.projection.uid, node: node))
    }
}

extension Storage.Access {
    /// The object that the subresource belongs to.
    var whole: Storage.Access {
        Storage.Access(resource: resource, namespace: namespace, name: name, subresource: "", user: user)
    }
}

/// `autoscaling/v1 Scale` of a workload. Pure.
enum Scale {
    static func of(_ object: JSON) -> JSON {
        let metadata = Object(object).metadata
        var scaled: JSON = ["name": .string(metadata.name), "namespace": .string(metadata.namespace)]
        for key in ["uid", "resourceVersion", "creationTimestamp"] { scaled[key] = metadata.json[key] }
        var status: JSON = ["replicas": object["status"]["replicas"].isNull ? 0 : object["status"]["replicas"]]
        let selector = object["spec"]["selector"]
        // A replication controller's selector is a plain map of labels.
        let parsed =
            Object(object).kind == "ReplicationController"
            ? LabelSelector(equal: selector.strings) : LabelSelector(selector)
        if let parsed, !parsed.isEmpty { status["selector"] = .string(parsed.description) }
        var spec: JSON = [:]
        if let replicas = object["spec"]["replicas"].int, replicas != 0 { spec["replicas"] = JSON(replicas) }
        return ["kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": scaled, "spec": spec, "status": status]
    }

    /// The workload with the replica count of `scale`.
    static func set(_ scale: JSON, on object: JSON) throws(Status) -> JSON {
        let name = Object(object).name
        if let version = scale["metadata"]["resourceVersion"].string, !version.isEmpty,
            version != Object(object).metadata.resourceVersion
        {
            throw Status(.conflict, "Operation cannot be fulfilled on scale \"\(name)\": \(Storage.staleText)")
        }
        let replicas = scale["spec"]["replicas"]
        guard let count = replicas.isNull ? 0 : replicas.int, count >= 0 else {
            var status = Status(
                .invalid,
                "Scale.autoscaling \"\(name)\" is invalid: spec.replicas: Invalid value: \(replicas.text): must be greater than or equal to 0"
            )
            status.causes = [
                Status.Cause(
                    reason: "FieldValueInvalid",
                    message: "Invalid value: \(replicas.text): must be greater than or equal to 0",
                    field: "spec.replicas")
            ]
            throw status
        }
        var object = object
        object["spec"]["replicas"] = JSON(count)
        return object
    }
}
