import Shared

extension APIServer {
    /// `autoscaling/v1 Scale`: the replica count of a workload, read or set by itself.
    func scale(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let whole = access.whole
        let workload = try stored(access)
        guard call.info.verb != "get" else { return Answer.json(200, Scale.of(workload)) }
        let written: Storage.Written
        if call.info.verb == "patch" {
            let format = try PatchBody.format(of: call, access.resource)
            var options = try call.writeOptions(format)
            options.notedSubresource = access.subresource
            let patch = try PatchBody(call, format)
            if format == .apply {
                written = try await storage.apply(whole, try Scale.configuration(patch, of: access.resource), options)
            } else {
                written = try await storage.modify(whole, options) { old throws(Status) in
                    try Scale.set(try Scale.patched(Scale.of(old), by: patch), on: old, access.resource)
                }
            }
        } else {
            var options = try call.writeOptions()
            options.notedSubresource = access.subresource
            // kubectl sends this body without a media type.
            let (body, _) = try call.body(contentType: "application/json")
            try Scale.check(body, for: whole, storage)
            written = try await storage.modify(whole, options) { old throws(Status) in
                try Scale.set(body, on: old, access.resource)
            }
        }
        return Answer.json(200, Scale.of(try written.stored.json()))
    }

    /// The workload; when there is none, the refusal names its scale, as Kubernetes does.
    private func stored(_ access: Storage.Access) throws(Status) -> JSON {
        do throws(Status) { return try storage.get(access.whole).json() } catch {
            let resource = access.resource.groupResource
            guard error.reason == .notFound, resource.resource != "statefulsets" else { throw error }
            let group = resource.group.isEmpty ? "autoscaling" : resource.group
            throw Status.notFound(GroupResource(group: group, "\(resource.resource)/scale"), access.name)
        }
    }
}

/// `autoscaling/v1 Scale` of a workload. Pure.
enum Scale {
    private static let kind = GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale")

    /// Whether a body is the scale of the object that the path names.
    /// - Throws: 400 when it is another's, or of another kind.
    static func check(_ body: JSON, for access: Storage.Access, _ storage: Storage) throws(Status) {
        func given(_ text: JSON) -> String? { text.string.flatMap { $0.isEmpty ? nil : $0 } }
        let (sent, version) = (given(body["kind"]) ?? kind.kind, given(body["apiVersion"]) ?? kind.apiVersion)
        if sent != kind.kind || version != kind.apiVersion {
            throw storage.mismatch(sent, version, as: kind.kind, of: kind.apiVersion, package: kind.group)
        }
        if let name = given(body["metadata"]["name"]), name != access.name {
            throw Status(
                .badRequest,
                "the name of the object (\(name)) does not match the name on the URL (\(access.name))")
        }
        if let namespace = given(body["metadata"]["namespace"]), namespace != access.namespace {
            throw Status(
                .badRequest, "the namespace of the provided object does not match the namespace sent on the request")
        }
    }

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

    /// The scale after a patch.
    /// - Throws: 422 when it is no scale any more.
    static func patched(_ scale: JSON, by patch: PatchBody) throws(Status) -> JSON {
        let after = try patch.applied(to: scale, SchemaPatch(type: "autoscaling.v1.Scale"))
        do throws(Status) {
            return try Schema.decode(after, as: kind, fieldValidation: .ignore).object
        } catch {
            let why = String(error.message.dropFirst(Schema.refusalPrefix(kind).count))
            throw patch.refusal(after, over: scale, why: why)
        }
    }

    /// An applied scale as a configuration of the workload.
    static func configuration(_ patch: PatchBody, of resource: Resource) throws(Status) -> PatchBody {
        let scale = Object(patch.json)
        guard scale.apiVersion == kind.apiVersion else {
            throw Status(
                .badRequest,
                "Incorrect version specified in apply patch. Specified patch version: \(scale.apiVersion), expected: \(kind.apiVersion)"
            )
        }
        var configuration: JSON = [
            "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind),
            "metadata": patch.json["metadata"],
        ]
        if let replicas = patch.json["spec"].object?["replicas"] { configuration["spec"] = ["replicas": replicas] }
        return PatchBody(.apply, configuration, isForced: patch.isForced)
    }

    /// The workload with the replica count of `scale`.
    static func set(_ scale: JSON, on object: JSON, _ resource: Resource) throws(Status) -> JSON {
        let name = Object(object).name
        if let version = scale["metadata"]["resourceVersion"].string, !version.isEmpty,
            version != Object(object).metadata.resourceVersion
        {
            throw Status.conflict(resource.groupResource, name, Storage.staleText)
        }
        let replicas = scale["spec"]["replicas"]
        guard let count = replicas.isNull ? 0 : replicas.int, count >= 0 else {
            let error = FieldError(
                reason: .invalid, field: "spec.replicas", value: replicas.text,
                detail: "must be greater than or equal to 0")
            throw FieldError.status([error], group: kind.group, kind: kind.kind, name: name)
        }
        var object = object
        object["spec"]["replicas"] = JSON(count)
        return object
    }
}
