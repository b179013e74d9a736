import Shared

extension APIServer {
    func create(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let (body, duplicates) = try call.body(of: access.resource.kind)
        let written = try await storage.create(access, body, try call.writeOptions(), duplicates: duplicates)
        call.trail?.note(written.stored)
        return try render(written.stored, 201, representation, call, access, warnings: written.warnings)
    }

    func update(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let (body, duplicates) = try call.body(of: access.resource.kind)
        let written = try await storage.update(access, body, try call.writeOptions(), duplicates: duplicates)
        call.trail?.note(written.stored)
        let status = written.change == .created ? 201 : 200
        return try render(written.stored, status, representation, call, access, warnings: written.warnings)
    }

    func patch(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let format = try PatchBody.format(of: call, access.resource)
        let options = try call.writeOptions(format)
        let written = try await storage.patch(access, try PatchBody(call, format), options)
        call.trail?.note(written.stored)
        return try render(
            written.stored, written.change == .created ? 201 : 200, representation, call, access,
            warnings: written.warnings)
    }

    func delete(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let representation = try Representation(accept: call.request.headers["Accept"])
        let (deletion, options) = try deletion(call)
        let written = try await storage.delete(access, deletion, options)
        call.trail?.note(written.stored)
        if written.change == .removed, !access.resource.strategy.returnsDeleted {
            return Answer.json(
                200, APIServer.success(access, uid: written.stored.projection.uid), warnings: written.warnings)
        }
        return try render(written.stored, 200, representation, call, access, warnings: written.warnings)
    }

    func deleteCollection(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        _ = try ListParameters(call.query, isWatch: false)
        let selection = try Selection(call.query, access.resource)
        let (deletion, options) = try deletion(call)
        let deleted = try await storage.deleteCollection(access, selection, deletion, options)
        var items: [JSON] = []
        for stored in deleted { items.append(try stored.json()) }
        return Answer.json(
            200,
            [
                "kind": .string(access.resource.listKind), "apiVersion": .string(access.resource.apiVersion),
                "metadata": ["resourceVersion": .string(storage.store.head.description)], "items": .array(items),
            ])
    }

    /// The options of a deletion, from the body and, where it has none, from the parameters.
    private func deletion(_ call: Call) throws(Status) -> (DeletionPlan.Options, Storage.WriteOptions) {
        let body = call.request.body.isEmpty ? JSON.null : try call.body(of: "DeleteOptions").json
        var write = Storage.WriteOptions()
        // As in Kubernetes, a body makes the parameters count for nothing.
        let query = body.members.isEmpty ? call.query : Query()
        if body["dryRun"].items.isEmpty {
            write = try call.writeOptions()
        } else {
            var errors: [FieldError] = []
            write.isDryRun = Call.isDryRun(body["dryRun"].items.map { $0.string ?? "" }, &errors)
            try call.refuse(errors)
        }
        return (try DeletionPlan.Options(body, query), write)
    }

    /// `Status` Success for an object that is gone.
    private static func success(_ access: Storage.Access, uid: String) -> JSON {
        var details: JSON = ["name": .string(access.name)]
        if !access.resource.group.isEmpty { details["group"] = .string(access.resource.group) }
        details["kind"] = .string(access.resource.plural)
        details["uid"] = .string(uid)
        return ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details]
    }
}
