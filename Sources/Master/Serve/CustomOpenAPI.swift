import Shared

/// The schemas of custom resources in OpenAPI documents, for `kubectl explain` and validation in clients.
enum CustomOpenAPI {
    /// `com.example.stable.v1.CronTab`: the group backwards, as Kubernetes names it.
    static func name(_ resource: Resource) -> String {
        let group = resource.group.split(separator: ".").reversed().joined(separator: ".")
        return "\(group).\(resource.version).\(resource.kind)"
    }

    /// The object and its list; none for a resource that is not custom.
    static func schemas(_ resource: Resource) -> [(String, JSON)] {
        guard let custom = resource.custom else { return [] }
        let reference: JSON = ["$ref": .string("#/components/schemas/\(name(resource))")]
        var object = custom.document
        if object.object == nil { object = ["type": "object"] }
        var properties = JSON.Members()
        for (key, text) in [
            ("apiVersion", "The version of the schema that the object follows."), ("kind", "The kind of the object."),
        ] {
            properties.append(key, ["type": "string", "description": .string(text)])
        }
        properties.append("metadata", metadata("meta.v1.ObjectMeta", "Standard metadata of an object."))
        for (key, value) in object["properties"].members where !StructuralSchema.embeddedKeys.contains(key) {
            properties.set(key, value)
        }
        object["properties"] = .object(properties)
        object["x-kubernetes-group-version-kind"] = kind(resource, resource.kind)
        let list: JSON = [
            "type": "object", "required": ["items"],
            "properties": [
                "apiVersion": ["type": "string"], "kind": ["type": "string"],
                "metadata": metadata("meta.v1.ListMeta", "Standard metadata of a list."),
                "items": ["type": "array", "items": reference],
            ],
            "x-kubernetes-group-version-kind": kind(resource, resource.listKind),
        ]
        return [(name(resource), object), ("\(name(resource))List", list)]
    }

    private static func metadata(_ type: String, _ text: String) -> JSON {
        [
            "description": .string(text),
            "allOf": [["$ref": .string("#/components/schemas/\(OpenAPISchemas.name(type))")]],
        ]
    }

    private static func kind(_ resource: Resource, _ kind: String) -> JSON {
        [["group": .string(resource.group), "version": .string(resource.version), "kind": .string(kind)]]
    }
}
