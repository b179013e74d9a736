import Shared

extension PatchBody {
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
        let json =
            switch format {
            case .apply: try PatchBody.configuration(call)
            case .json, .merge, .strategic: try PatchBody.parsed(call.request.body, format)
            }
        self.init(format, json, isForced: call.query.bool("force"))
    }

    private static func configuration(_ call: Call) throws(Status) -> JSON {
        let documents: [YAMLDocument]
        do {
            documents = try YAML.parse(call.request.body)
        } catch {
            throw Status(
                .badRequest, "error decoding YAML: error converting YAML to JSON: yaml: \(GoText.complaint(error))")
        }
        guard documents.count <= 1 else {
            throw Status(.badRequest, "error decoding YAML: the body must hold one document, not \(documents.count)")
        }
        let json = documents.first?.value ?? .null
        guard json.object != nil || json.isNull else {
            throw Status(
                .badRequest,
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \(json.goKind) into Go value of type map[string]interface {}"
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
                .badRequest, "\(prefix)json: cannot unmarshal \(json.goKind) into Go value of type \(wanted)")
        }
        for operation in json.items where format == .json && operation.object == nil {
            throw Status(
                .badRequest,
                "\(prefix)json: cannot unmarshal \(operation.goKind) into Go value of type handlers.jsonPatchOp")
        }
        return json
    }
}
