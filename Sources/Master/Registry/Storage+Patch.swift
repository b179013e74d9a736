import Shared
import Synchronization

/// A patch as a request carries it.
struct PatchBody: Sendable {
    let format: Client.PatchFormat
    let json: JSON

    /// - Throws: 415 for a media type that is no patch, 400 for a body that does not parse.
    init(_ call: Call) throws(Status) {
        let type = (call.request.headers["Content-Type"] ?? "").split(separator: ";").first?.trimmingSpaces ?? ""
        guard let format = Client.PatchFormat(rawValue: type), format != .apply else {
            throw Status(
                .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json"
            )
        }
        self.format = format
        json = try call.body(contentType: "application/json").json
    }
}

extension Storage {
    /// Changes an object by a patch; computed anew when somebody else writes in between.
    func patch(_ access: Access, _ patch: PatchBody, _ options: WriteOptions) async throws(Status) -> Written {
        let warnings = Mutex<[String]>([])
        var written = try await modify(access, options) { old throws(Status) in
            let patched = try apply(patch, to: old, access.resource)
            guard Object(patched).name == access.name else {
                throw Status(
                    .badRequest,
                    "the name of the object (\(Object(patched).name)) does not match the name on the URL (\(access.name))"
                )
            }
            let (object, found) = try decode(patched, access, options)
            warnings.withLock { $0 = found }
            return object
        }
        written.warnings += warnings.withLock { $0 }
        return written
    }

    private func schema(_ resource: Resource) -> any PatchSchema {
        resource.schemaType.map { SchemaPatch(type: $0) } ?? UnknownPatchSchema()
    }

    private func apply(_ patch: PatchBody, to old: JSON, _ resource: Resource) throws(Status) -> JSON {
        switch patch.format {
        case .json: return try JSONPatch.apply(patch.json, to: old)
        case .merge, .apply: return MergePatch.apply(patch.json, to: old)
        case .strategic: return try StrategicMergePatch.apply(patch.json, to: old, schema: schema(resource))
        }
    }
}
