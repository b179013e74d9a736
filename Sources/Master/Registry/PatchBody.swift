import Shared

/// A patch as a request carries it.
struct PatchBody: Sendable {
    let format: Client.PatchFormat
    let json: JSON
    /// Applies although others own the fields; for server-side apply only.
    var isForced = false

    /// The format that the request's media type names.
    /// - Throws: 415 for a media type that is no patch, or none for this resource.
    static func format(of call: Call, _ resource: Resource) throws(Status) -> Client.PatchFormat {
        let type = (call.request.headers["Content-Type"] ?? "").split(separator: ";").first?.trimmingSpaces ?? ""
        guard let format = Client.PatchFormat(rawValue: type) else {
            var status = Status(.unsupportedMediaType, "415: Unsupported Media Type")
            status.showsDetails = true
            throw status
        }
        if format == .strategic, resource.schemaType == nil {
            throw Status(
                .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            )
        }
        return format
    }

    /// Reads the body.
    /// - Throws: 400 with the words of Kubernetes when it is not what its format asks for.
    init(_ call: Call, _ format: Client.PatchFormat) throws(Status) {
        self.format = format
        switch format {
        case .apply: json = try PatchBody.configuration(call)
        case .json, .merge, .strategic: json = try PatchBody.parsed(call.request.body, format)
        }
        isForced = call.query.bool("force")
    }

    init(_ format: Client.PatchFormat, _ json: JSON, isForced: Bool = false) {
        self.format = format
        self.json = json
        self.isForced = isForced
    }

    private static func configuration(_ call: Call) throws(Status) -> JSON {
        let documents: [YAMLDocument]
        do {
            documents = try YAML.parse(call.request.body)
        } catch {
            throw Status(
                .badRequest, "error decoding YAML: error converting YAML to JSON: yaml: \(error)")
        }
        guard documents.count <= 1 else {
            throw Status(.badRequest, "error decoding YAML: the body must hold one document, not \(documents.count)")
        }
        let json = documents.first?.value ?? .null
        guard json.object != nil || json.isNull else {
            throw Status(
                .badRequest,
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \(goKind(json)) into Go value of type map[string]interface {}"
            )
        }
        return json
    }

    private static func parsed(_ body: [UInt8], _ format: Client.PatchFormat) throws(Status) -> JSON {
        let prefix = format == .strategic ? "" : "error decoding patch: "
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: body)
        } catch {
            throw Status(.badRequest, prefix + (GoSyntax.complaint(about: body) ?? error.message))
        }
        let wanted = format == .json ? "[]handlers.jsonPatchOp" : "map[string]interface {}"
        guard format == .json ? json.array != nil : json.object != nil else {
            throw Status(
                .badRequest, "\(prefix)json: cannot unmarshal \(goKind(json)) into Go value of type \(wanted)")
        }
        for operation in json.items where format == .json && operation.object == nil {
            throw Status(
                .badRequest,
                "\(prefix)json: cannot unmarshal \(goKind(operation)) into Go value of type handlers.jsonPatchOp")
        }
        return json
    }

    private static func goKind(_ json: JSON) -> String {
        switch json {
        case .null: "null"
        case .bool: "bool"
        case .int, .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The object with the patch in it.
    func applied(to old: JSON, _ schema: any PatchSchema) throws(Status) -> JSON {
        switch format {
        case .json: try JSONPatch.apply(json, to: old)
        case .merge, .apply: MergePatch.apply(json, to: old)
        case .strategic: try StrategicMergePatch.apply(json, to: old, schema: schema)
        }
    }

    /// 422: the patched object can not be read as what it was.
    /// - Parameters: the object after the patch and before it, which the answer shows.
    func refusal(_ patched: JSON, over old: JSON, why: String) -> Status {
        let text = format == .strategic ? StrategicMergePatch.goText(json) : PatchBody.shown(patched, over: old).text
        let error = FieldError(reason: .invalid, field: "patch", value: text.goQuoted, detail: why)
        return FieldError.status([error], group: "", kind: "", name: "")
    }

    /// The object as the patch library writes it: objects that it has opened have sorted members, others are as before.
    private static func shown(_ patched: JSON, over old: JSON) -> JSON {
        guard case .object(let members) = patched, patched != old else { return patched }
        var result = JSON.Members()
        for (key, value) in members.sorted() { result.append(key, shown(value, over: old[key])) }
        return .object(result)
    }
}
