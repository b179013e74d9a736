import Shared

/// The OpenAPI v3 documents that kubectl reads for validation, patches and `explain`.
/// Source: KEP-2896; `patch` operations as kubectl looks for them (`fieldValidation`, media types).
enum OpenAPI {
    /// `/openapi/v3`: one hashed address per group version.
    ///
    /// The hash follows from the names of the resources, so that documents need not be made to list them.
    static func index(_ registry: Registry) -> JSON {
        var paths = JSON.Members()
        for group in registry.groups {
            for version in group.versions {
                let key = group.name.isEmpty ? "api/\(version)" : "apis/\(group.name)/\(version)"
                var text = Version.current
                for resource in registry.resources(group: group.name, version: version) {
                    text += " \(resource.plural) \(resource.schemaType ?? "") \(resource.custom?.generation ?? 0)"
                }
                let hash = Discovery.entityTag(text.utf8)
                paths.append(key, ["serverRelativeURL": .string("/openapi/v3/\(key)?hash=\(hash)")])
            }
        }
        return ["paths": .object(paths)]
    }

    /// `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`; nil when there is none. Large: callers keep the bytes.
    static func document(group: String, version: String, _ registry: Registry) -> JSON? {
        let resources = registry.resources(group: group, version: version)
        guard !resources.isEmpty else { return nil }
        var paths: [String: JSON] = [:]
        var wanted: Set<String> = ["meta.v1.DeleteOptions", "meta.v1.Status"]
        for resource in resources {
            if resource.custom != nil { wanted.formUnion(["meta.v1.ObjectMeta", "meta.v1.ListMeta"]) }
            if let type = resource.schemaType { wanted.insert(type) }
            for operation in OpenAPIOperation.all(of: resource) {
                if let type = operation.body { wanted.insert(type) }
                if let type = operation.answer { wanted.insert(type) }
                paths[operation.path, default: [:]][operation.method] = rendered(operation)
            }
        }
        var schemas = OpenAPISchemas(reachableFrom: wanted.sorted(), .v3).json
        for resource in resources {
            for (name, schema) in CustomOpenAPI.schemas(resource) { schemas[name] = schema }
        }
        return [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": .string(Version.kubernetes)],
            "paths": .object(JSON.Members(paths.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })),
            "components": ["schemas": schemas],
        ]
    }

    private static func rendered(_ operation: OpenAPIOperation) -> JSON {
        var json: JSON = [
            "tags": [.string(operation.tag)], "operationId": .string(operation.id),
            "parameters": .array(
                operation.parameters.map { parameter in
                    var shown: JSON = [
                        "name": .string(parameter.name), "in": .string(parameter.place),
                        "description": .string(parameter.text),
                        "schema": ["type": .string(parameter.type), "uniqueItems": true],
                    ]
                    if parameter.place == "path" { shown["required"] = true }
                    return shown
                }),
        ]
        func content(_ media: [String], _ schema: JSON) -> JSON {
            .object(JSON.Members(media.map { ($0, ["schema": schema]) }))
        }
        var answer: JSON = ["description": "OK"]
        let schema = operation.answer.map { OpenAPISchemas.reference($0, .v3) } ?? ["type": "string"]
        answer["content"] = content(operation.produces, schema)
        json["responses"] = ["200": answer]
        if operation.isPatch {
            json["requestBody"] = [
                "required": true,
                "content": content(
                    operation.consumes,
                    ["description": "A change of the object, in the form that the media type names.", "type": "object"]
                ),
            ]
        } else if let body = operation.body {
            json["requestBody"] = ["content": content(operation.consumes, OpenAPISchemas.reference(body, .v3))]
            if !operation.action.hasPrefix("delete") { json["requestBody"]["required"] = true }
        }
        json["x-kubernetes-action"] = .string(operation.action)
        json["x-kubernetes-group-version-kind"] = operation.kind.json
        return json
    }
}

extension GroupVersionKind {
    /// As `x-kubernetes-group-version-kind` shows it.
    var json: JSON { ["group": .string(group), "kind": .string(kind), "version": .string(version)] }
}
