import Shared
import Synchronization

extension Storage {
    /// Changes an object by a patch; computed anew when somebody else writes in between.
    func patch(_ access: Access, _ patch: PatchBody, _ options: WriteOptions) async throws(Status) -> Written {
        if patch.format == .apply { return try await apply(access, patch, options) }
        var options = options
        options.isPatch = true
        let final = options
        let schema: any PatchSchema = access.resource.schemaType.map { SchemaPatch(type: $0) } ?? UnknownPatchSchema()
        let warnings = Mutex<[String]>([])
        var written = try await modify(access, final) { old throws(Status) in
            let patched = try patch.applied(to: old, schema)
            let (object, found) = try decode(patched, of: patch, over: old, access, final)
            warnings.withLock { $0 = found }
            return object
        }
        written.warnings += warnings.withLock { $0 }
        return written
    }

    /// Brings a patched object into the schema.
    private func decode(
        _ patched: JSON, of patch: PatchBody, over old: JSON, _ access: Access, _ options: WriteOptions
    ) throws(Status) -> (JSON, [String]) {
        let resource = access.resource
        var object = patched
        let (version, kind) = (Object(patched).apiVersion, Object(patched).kind)
        if patch.format == .strategic || kind.isEmpty { object["kind"] = .string(resource.kind) }
        if patch.format == .strategic {
            object["apiVersion"] = .string(resource.apiVersion)
        } else if version.isEmpty {
            // Without a version nothing can be read from the object, and so it has no name.
            throw Storage.noName(access.name)
        } else if version != resource.apiVersion || Object(object).kind != resource.kind {
            let why =
                "no kind \"\(Object(object).kind)\" is registered for version \"\(version)\" in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\""
            throw patch.refusal(patched, over: old, why: why)
        }
        let type = GroupVersionKind(group: resource.group, version: resource.version, kind: resource.kind)
        let decoded: Schema.Decoded
        do throws(Status) {
            decoded = try resource.decode(object, .warn)
        } catch {
            var why = String(error.message.dropFirst(Schema.refusalPrefix(type).count))
            if patch.format == .strategic, let name = resource.schemaType, let root = Schema.type(name) {
                why = Unstructured.complaint(about: object, root) ?? why
            }
            throw patch.refusal(patched, over: old, why: why)
        }
        if options.fieldValidation == .strict, !decoded.warnings.isEmpty {
            let why = "strict decoding error: " + decoded.warnings.joined(separator: ", ")
            throw patch.refusal(patched, over: old, why: why)
        }
        var result = decoded.object
        Storage.keepReset(&result, sent: patched)
        try place(&result, access)
        try Storage.check(result, access)
        return (result, options.fieldValidation == .warn ? decoded.warnings : [])
    }

    /// Checks that an object has the name that the request's path has.
    static func check(_ object: JSON, _ access: Access) throws(Status) {
        let name = Object(object).name
        guard !name.isEmpty else { throw noName(access.name) }
        guard name == access.name else {
            throw Status(
                .badRequest,
                "the name of the object (\(name)) does not match the name on the URL (\(access.name))")
        }
    }

    private static func noName(_ name: String) -> Status {
        Status(
            .badRequest,
            "the name of the object (\(name) based on URL) was undeterminable: name must be provided")
    }
}
