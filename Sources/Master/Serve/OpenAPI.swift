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
        var paths = JSON.Members()
        var wanted: [String] = ["meta.v1.DeleteOptions", "meta.v1.Status"]
        for resource in resources {
            if resource.custom != nil {
                wanted.append("meta.v1.ObjectMeta")
                wanted.append("meta.v1.ListMeta")
                for (path, item) in operations(resource) { paths.set(path, item) }
            }
            guard let type = resource.schemaType else { continue }
            wanted.append(type)
            if Schema.type(type + "List") != nil { wanted.append(type + "List") }
            for (path, item) in operations(resource) { paths.set(path, item) }
        }
        var schemas = OpenAPISchemas(reachableFrom: wanted).json
        for resource in resources {
            for (name, schema) in CustomOpenAPI.schemas(resource) { schemas[name] = schema }
        }
        return [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": .string(Version.kubernetes)],
            "paths": .object(paths), "components": ["schemas": schemas],
        ]
    }

    private static func operations(_ resource: Resource) -> [(String, JSON)] {
        let collection =
            resource.isNamespaced
            ? "\(resource.root)/namespaces/{namespace}/\(resource.plural)" : "\(resource.root)/\(resource.plural)"
        var result: [(String, JSON)] = []
        var onCollection: JSON = [:]
        if resource.allows("list") { onCollection["get"] = operation(resource, "list") }
        if resource.allows("create") { onCollection["post"] = operation(resource, "post") }
        if resource.allows("deletecollection") { onCollection["delete"] = operation(resource, "deletecollection") }
        result.append((collection, onCollection))
        var onObject: JSON = [:]
        for (verb, method) in [("get", "get"), ("update", "put"), ("patch", "patch"), ("delete", "delete")]
        where resource.allows(verb) {
            onObject[method] = operation(resource, method)
        }
        if !onObject.members.isEmpty { result.append(("\(collection)/{name}", onObject)) }
        if resource.isNamespaced, resource.allows("list") {
            result.append(("\(resource.root)/\(resource.plural)", ["get": operation(resource, "list")]))
        }
        return result
    }

    private static func operation(_ resource: Resource, _ action: String) -> JSON {
        let name =
            resource.custom == nil ? OpenAPISchemas.name(resource.schemaType ?? "") : CustomOpenAPI.name(resource)
        let schema: JSON = ["$ref": .string("#/components/schemas/\(name)")]
        var operation: JSON = [
            "tags": [.string("\(resource.group.isEmpty ? "core" : resource.group)_\(resource.version)")],
            "operationId": .string("\(action)\(resource.version)\(resource.kind)"),
            "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": [
                "group": .string(resource.group), "version": .string(resource.version), "kind": .string(resource.kind),
            ],
            "responses": ["200": ["description": "OK", "content": ["application/json": ["schema": schema]]]],
        ]
        guard ["post", "put", "patch"].contains(action) else { return operation }
        operation["parameters"] = .array(["dryRun", "fieldManager", "fieldValidation"].map(parameter))
        let media =
            action == "patch"
            ? [
                "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
                "application/strategic-merge-patch+json",
            ] : ["application/json", "application/yaml"]
        let body: JSON = action == "patch" ? ["type": "object"] : schema
        operation["requestBody"] = [
            "required": true, "content": .object(JSON.Members(media.map { ($0, ["schema": body]) })),
        ]
        return operation
    }

    private static func parameter(_ name: String) -> JSON {
        ["name": .string(name), "in": "query", "schema": ["type": "string", "uniqueItems": true]]
    }
}
