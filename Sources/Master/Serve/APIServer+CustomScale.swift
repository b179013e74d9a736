import Shared

extension APIServer {
    /// `autoscaling/v1 Scale` of a custom object, whose definition says where its replicas are.
    func customScale(_ call: Call, _ access: Storage.Access, _ paths: CustomVersion.ScalePaths) async throws(Status)
        -> HTTPServerReply
    {
        let whole = access.whole
        switch call.info.verb {
        case "get": return Answer.json(200, try paths.scale(of: try storage.get(whole).json()))
        case "update", "patch":
            let body = try call.body(contentType: "application/json").json
            if call.info.verb == "update" { try Scale.check(body, for: whole, storage) }
            let format =
                call.info.verb == "patch"
                ? (call.request.headers["Content-Type"] ?? "").split(separator: ";").first?.trimmingSpaces ?? "" : ""
            var options = try call.writeOptions()
            options.notedSubresource = access.subresource
            let written = try await storage.modify(whole, options) { old throws(Status) in
                var scale = body
                if !format.isEmpty {
                    let present = try paths.scale(of: old)
                    if format == Client.PatchFormat.json.rawValue {
                        scale = try JSONPatch.apply(body, to: present)
                    } else {
                        scale = MergePatch.apply(body, to: present)
                    }
                }
                return try paths.set(scale, on: old, access.resource)
            }
            return Answer.json(200, try paths.scale(of: try written.stored.json()))
        default: throw Status(.methodNotAllowed, "the server does not allow this method on the requested resource")
        }
    }
}

extension CustomVersion.ScalePaths {
    /// - Throws: 500 when the object does not say how many replicas it wants, as Kubernetes does.
    func scale(of object: JSON) throws(Status) -> JSON {
        guard let wanted = object.at(replicas).int else {
            throw Status.internalError(
                "the spec replicas field \".\(replicas.joined(separator: "."))\" does not exist")
        }
        let metadata = Object(object).metadata
        var scaled: JSON = ["name": .string(metadata.name)]
        if !metadata.namespace.isEmpty { scaled["namespace"] = .string(metadata.namespace) }
        for key in ["uid", "resourceVersion", "creationTimestamp"] { scaled[key] = metadata.json[key] }
        var status: JSON = ["replicas": JSON(object.at(currentReplicas).int ?? 0)]
        if !selector.isEmpty, let text = object.at(selector).string, !text.isEmpty {
            status["selector"] = .string(text)
        }
        var spec: JSON = [:]
        if wanted != 0 { spec["replicas"] = JSON(wanted) }
        return ["kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": scaled, "spec": spec, "status": status]
    }

    /// The object with the replicas that a scale asks for; whether they make sense the object's own rules say.
    func set(_ scale: JSON, on object: JSON, _ resource: Resource) throws(Status) -> JSON {
        let name = Object(object).name
        if let version = scale["metadata"]["resourceVersion"].string, !version.isEmpty,
            version != Object(object).metadata.resourceVersion
        {
            throw Status.conflict(resource.groupResource, name, Storage.staleText)
        }
        let wanted = scale["spec"]["replicas"]
        guard let count = wanted.isNull ? 0 : wanted.int else {
            throw Status(.badRequest, "spec.replicas of the scale must be a whole number, not \(wanted.text)")
        }
        return CustomVersion.ScalePaths.setting(object, replicas[...], JSON(count))
    }

    private static func setting(_ object: JSON, _ path: ArraySlice<String>, _ value: JSON) -> JSON {
        guard let first = path.first else { return value }
        var result = object.object == nil ? [:] : object
        result[first] = setting(object[first], path.dropFirst(), value)
        return result
    }
}
