import Shared

/// `/openapi/v2`: all of the API in one document, for clients that do not know v3. Source: Swagger 2.0.
enum OpenAPIv2 {
    /// Large: callers keep the bytes.
    static func document(_ registry: Registry) -> JSON {
        var paths: [String: JSON] = [:]
        var wanted: Set<String> = ["meta.v1.DeleteOptions", "meta.v1.Status", "meta.v1.WatchEvent"]
        wanted.formUnion(["meta.v1.ObjectMeta", "meta.v1.ListMeta"])
        var custom: [(String, JSON)] = []
        for group in registry.groups {
            for version in group.versions {
                for resource in registry.resources(group: group.name, version: version) {
                    if let type = resource.schemaType { wanted.insert(type) }
                    custom += CustomOpenAPI.schemas(resource)
                    for operation in OpenAPIOperation.all(of: resource) {
                        if let type = operation.body { wanted.insert(type) }
                        if let type = operation.answer { wanted.insert(type) }
                        paths[operation.path, default: [:]][operation.method] = rendered(operation)
                    }
                }
            }
        }
        for (path, id, tag) in documents(registry) {
            let type = path.hasPrefix("/version") ? ["application/json"] : Self.plain
            paths[path] = [
                "get": [
                    "description": "A document of the API.", "consumes": JSON(type), "produces": JSON(type),
                    "schemes": ["https"], "tags": [.string(tag)], "operationId": .string(id),
                    "responses": ["200": ["description": "OK"], "401": ["description": "Unauthorized"]],
                ]
            ]
        }
        var definitions = OpenAPISchemas(reachableFrom: wanted.sorted(), .v2).json
        for (name, schema) in custom { definitions[name] = converted(schema) }
        return [
            "swagger": "2.0", "info": ["title": "Kubernetes", "version": .string(Version.kubernetes)],
            "paths": .object(JSON.Members(paths.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })),
            "definitions": definitions,
            "securityDefinitions": [
                "BearerToken": [
                    "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization",
                    "in": "header",
                ]
            ], "security": [["BearerToken": []]],
        ]
    }

    /// A schema of v3 with the references of v2.
    private static func converted(_ json: JSON) -> JSON {
        switch json {
        case .array(let items): return .array(items.map(converted))
        case .object(let members):
            var result = JSON.Members()
            for (key, value) in members {
                if key == "allOf", value.items.count == 1, let reference = value[0]["$ref"].string {
                    result.set("$ref", .string(pointer(reference)))
                } else if key == "$ref", let reference = value.string {
                    result.set(key, .string(pointer(reference)))
                } else {
                    result.set(key, converted(value))
                }
            }
            return .object(result)
        default: return json
        }
    }

    private static func pointer(_ reference: String) -> String {
        reference.replacing("#/components/schemas/", with: "#/definitions/")
    }

    private static let plain = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]

    private static func documents(_ registry: Registry) -> [(path: String, id: String, tag: String)] {
        var list = [
            ("/.well-known/openid-configuration/", "getServiceAccountIssuerOpenIDConfiguration", "WellKnown"),
            ("/api/", "getCoreAPIVersions", "core"), ("/apis/", "getAPIVersions", "apis"),
            ("/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset", "openid"),
            ("/version/", "getCodeVersion", "version"),
        ]
        for group in registry.groups {
            for version in group.versions {
                let names = OpenAPIOperation.Names(group: group.name, version: version)
                let root = group.name.isEmpty ? "/api" : "/apis/\(group.name)"
                list.append(("\(root)/\(version)/", "get\(names.text)APIResources", names.tag))
            }
            guard !group.name.isEmpty else { continue }
            let names = OpenAPIOperation.Names(group: group.name, version: "")
            list.append(("/apis/\(group.name)/", "get\(names.text)APIGroup", String(names.tag.dropLast())))
        }
        return list
    }

    private static func rendered(_ operation: OpenAPIOperation) -> JSON {
        var parameters = operation.parameters.map { parameter -> JSON in
            var shown: JSON = [
                "uniqueItems": true, "type": .string(parameter.type), "description": .string(parameter.text),
                "name": .string(parameter.name), "in": .string(parameter.place),
            ]
            if parameter.place == "path" { shown["required"] = true }
            return shown
        }
        if operation.isPatch || operation.body != nil {
            var body: JSON = ["name": "body", "in": "body"]
            if !operation.action.hasPrefix("delete") { body["required"] = true }
            body["schema"] = operation.body.map { OpenAPISchemas.reference($0, .v2) } ?? ["type": "object"]
            parameters.append(body)
        }
        var answer: JSON = ["description": "OK"]
        answer["schema"] = operation.answer.map { OpenAPISchemas.reference($0, .v2) } ?? ["type": "string"]
        var responses: JSON = ["200": answer]
        if ["post", "put", "patch"].contains(operation.action), operation.answer != nil {
            answer["description"] = "Created"
            responses["201"] = answer
        }
        responses["401"] = ["description": "Unauthorized"]
        return [
            "description": .string("\(operation.action) \(operation.kind.kind)"), "consumes": JSON(operation.consumes),
            "produces": JSON(operation.produces), "schemes": ["https"], "tags": [.string(operation.tag)],
            "operationId": .string(operation.id), "parameters": .array(parameters), "responses": responses,
            "x-kubernetes-action": .string(operation.action), "x-kubernetes-group-version-kind": operation.kind.json,
        ]
    }
}
