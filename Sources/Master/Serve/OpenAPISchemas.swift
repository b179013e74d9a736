import Shared

/// The part `components.schemas` of an OpenAPI document: the given types and all that they lead to.
struct OpenAPISchemas {
    private var names: [String] = []
    private var seen: Set<String> = []

    init(reachableFrom roots: [String]) {
        var queue = roots
        while let name = queue.popLast() {
            guard seen.insert(name).inserted, let type = Schema.type(name) else { continue }
            names.append(name)
            queue += type.fields.flatMap { OpenAPISchemas.references($0.type) }
        }
        names.sort { OpenAPISchemas.name($0) < OpenAPISchemas.name($1) }
    }

    var json: JSON {
        var members = JSON.Members()
        for name in names {
            if let type = Schema.type(name) { members.append(OpenAPISchemas.name(name), OpenAPISchemas.schema(type)) }
        }
        return .object(members)
    }

    /// The public name of a type: `io.k8s.api.core.v1.Pod`.
    static func name(_ type: String) -> String {
        switch type.prefix(while: { $0 != "." }) {
        case "meta": "io.k8s.apimachinery.pkg.apis.\(type)"
        case "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.\(type)"
        case "apiregistration": "io.k8s.kube-aggregator.pkg.apis.\(type)"
        default: "io.k8s.api.\(type)"
        }
    }

    private static func references(_ type: FieldType) -> [String] {
        switch type {
        case .reference(let name): [name]
        case .array(let item), .map(let item): references(item)
        case .either(let first, let second): references(first) + references(second)
        default: []
        }
    }

    private static func schema(_ type: SchemaType) -> JSON {
        var schema: JSON = ["type": "object"]
        if let text = descriptions[type.name] { schema["description"] = .string(text) }
        var properties = JSON.Members()
        for field in type.fields { properties.append(field.name, property(field, of: type)) }
        schema["properties"] = .object(properties)
        let required = type.fields.filter(\.isRequired).map(\.name)
        if !required.isEmpty { schema["required"] = JSON(required) }
        if type.isAtomic { schema["x-kubernetes-map-type"] = "atomic" }
        if let kind = type.kind {
            schema["x-kubernetes-group-version-kind"] = [
                ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
            ]
        }
        return schema
    }

    private static func property(_ field: SchemaField, of type: SchemaType) -> JSON {
        var property = shape(field.type)
        if let text = descriptions["\(type.name).\(field.name)"]
            ?? (type.kind == nil ? nil : descriptions["*.\(field.name)"])
        {
            property["description"] = .string(text)
        }
        // A reference stands alone in OpenAPI 3.0; with other words beside it, it is wrapped.
        if property.members.count > 1, let reference = property.remove("$ref") {
            property["allOf"] = [["$ref": reference]]
        }
        if let enumeration = field.enumeration.flatMap(Schema.closedValues) {
            if case .array = field.type {
                property["items"]["enum"] = JSON(enumeration)
            } else {
                property["enum"] = JSON(enumeration)
            }
        }
        if let strategy = field.patchStrategy { property["x-kubernetes-patch-strategy"] = .string(strategy) }
        if let key = field.mergeKey { property["x-kubernetes-patch-merge-key"] = .string(key) }
        if let list = field.listType { property["x-kubernetes-list-type"] = .string(list) }
        if !field.listKeys.isEmpty { property["x-kubernetes-list-map-keys"] = JSON(field.listKeys) }
        if let map = field.mapType { property["x-kubernetes-map-type"] = .string(map) }
        if property.members.count > 1, let reference = property.remove("$ref") {
            property["allOf"] = [["$ref": reference]]
        }
        return property
    }

    private static func shape(_ type: FieldType) -> JSON {
        switch type {
        case .string, .quantity, .duration: ["type": "string"]
        case .int32: ["type": "integer", "format": "int32"]
        case .int64: ["type": "integer", "format": "int64"]
        case .bool: ["type": "boolean"]
        case .number: ["type": "number", "format": "double"]
        case .intOrString: ["format": "int-or-string", "oneOf": [["type": "integer"], ["type": "string"]]]
        case .time, .microTime: ["type": "string", "format": "date-time"]
        case .bytes: ["type": "string", "format": "byte"]
        case .any, .either: [:]
        case .reference(let name): ["$ref": .string("#/components/schemas/\(OpenAPISchemas.name(name))")]
        case .array(let item): ["type": "array", "items": shape(item)]
        case .map(let item): ["type": "object", "additionalProperties": shape(item)]
        }
    }

    /// Texts by `TYPE`, `TYPE.FIELD` or `*.FIELD` for the fields of every object. Source: `assets/api/descriptions.txt`.
    private static let descriptions: [String: String] = {
        var result: [String: String] = [:]
        for row in Asset.descriptions.rows where row.count == 2 { result[row[0]] = row[1] }
        return result
    }()
}
