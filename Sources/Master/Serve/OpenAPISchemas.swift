import Shared

/// The schemas of an OpenAPI document: the given types and all that they lead to.
struct OpenAPISchemas {
    /// Which document the schemas are for; they refer to each other and spell some types differently.
    enum Form { case v2, v3 }

    private let form: Form
    private var names: [String] = []
    private var seen: Set<String> = []
    private var simple: Set<Simple> = []

    /// Types of one value that have a name of their own.
    private enum Simple: String, CaseIterable {
        case quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"
        case time = "io.k8s.apimachinery.pkg.apis.meta.v1.Time"
        case microTime = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"
        case duration = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration"
        case intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
    }

    init(reachableFrom roots: [String], _ form: Form) {
        self.form = form
        var queue = roots
        while let name = queue.popLast() {
            guard seen.insert(name).inserted, let type = Schema.type(name) else { continue }
            names.append(name)
            for field in type.fields { note(field.type, &queue) }
        }
        names.sort { OpenAPISchemas.name($0) < OpenAPISchemas.name($1) }
    }

    private mutating func note(_ type: FieldType, _ queue: inout [String]) {
        switch type {
        case .reference(let name): queue.append(name)
        case .array(let item), .map(let item): note(item, &queue)
        case .either(let first, let second):
            note(first, &queue)
            note(second, &queue)
        default: if let simple = OpenAPISchemas.simple(type) { self.simple.insert(simple) }
        }
    }

    var json: JSON {
        var schemas: [(String, JSON)] = []
        for name in names {
            if let type = Schema.type(name) { schemas.append((OpenAPISchemas.name(name), schema(type))) }
        }
        for simple in simple { schemas.append((simple.rawValue, schema(simple))) }
        return .object(JSON.Members(schemas.sorted { $0.0 < $1.0 }))
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

    /// The type of a kind; nil when there is none of that name.
    static func type(of kind: GroupVersionKind) -> String? {
        let short = kind.group.isEmpty ? "core" : String(kind.group.prefix { $0 != "." })
        let name = "\(short).\(kind.version).\(kind.kind)"
        return Schema.type(name) == nil ? nil : name
    }

    /// Stands before the names of custom types, which are not in the schema.
    static let customPrefix = "custom:"

    /// `{"$ref": …}`. A type that is not in the schema is any object.
    static func reference(_ type: String, _ form: Form) -> JSON {
        if type.hasPrefix(customPrefix) { return pointer(String(type.dropFirst(customPrefix.count)), form) }
        guard Schema.type(type) != nil else { return ["type": "object"] }
        return pointer(name(type), form)
    }

    private static func pointer(_ name: String, _ form: Form) -> JSON {
        ["$ref": .string(form == .v2 ? "#/definitions/\(name)" : "#/components/schemas/\(name)")]
    }

    private static func simple(_ type: FieldType) -> Simple? {
        switch type {
        case .quantity: .quantity
        case .time: .time
        case .microTime: .microTime
        case .duration: .duration
        case .intOrString: .intOrString
        default: nil
        }
    }

    private func schema(_ simple: Simple) -> JSON {
        var schema: JSON = [:]
        if let text = Self.descriptions["simple.\(simple)"] { schema["description"] = .string(text) }
        switch simple {
        case .quantity:
            if form == .v2 {
                schema["type"] = "string"
            } else {
                schema["oneOf"] = [["type": "string"], ["type": "number"]]
            }
        case .intOrString:
            if form == .v2 {
                schema["type"] = "string"
            } else {
                schema["oneOf"] = [["type": "integer"], ["type": "string"]]
            }
            schema["format"] = "int-or-string"
        case .time, .microTime:
            schema["type"] = "string"
            schema["format"] = "date-time"
        case .duration: schema["type"] = "string"
        }
        return schema
    }

    private func schema(_ type: SchemaType) -> JSON {
        var schema: JSON = [:]
        if let text = Self.description(ofType: type) { schema["description"] = .string(text) }
        schema["type"] = "object"
        let required = type.fields.filter(\.isRequired).map(\.name)
        if !required.isEmpty { schema["required"] = JSON(required) }
        var properties = JSON.Members()
        for field in type.fields.sorted(by: { $0.name < $1.name }) {
            properties.append(field.name, property(field, of: type))
        }
        if !properties.isEmpty { schema["properties"] = .object(properties) }
        if type.isAtomic { schema["x-kubernetes-map-type"] = "atomic" }
        if let kind = type.kind { schema["x-kubernetes-group-version-kind"] = [kind.json] }
        return schema
    }

    private func property(_ field: SchemaField, of type: SchemaType) -> JSON {
        var property: JSON = [:]
        if let text = Self.description(of: field, in: type) { property["description"] = .string(text) }
        for (key, value) in shape(field.type).members where property.object?[key] == nil { property[key] = value }
        if let enumeration = field.enumeration.flatMap(Schema.closedValues), form == .v3 {
            if case .array = field.type {
                property["items"]["enum"] = JSON(enumeration)
            } else {
                property["enum"] = JSON(enumeration)
            }
        }
        if let list = field.listType { property["x-kubernetes-list-type"] = .string(list) }
        if !field.listKeys.isEmpty { property["x-kubernetes-list-map-keys"] = JSON(field.listKeys) }
        if let map = field.mapType { property["x-kubernetes-map-type"] = .string(map) }
        if let key = field.mergeKey { property["x-kubernetes-patch-merge-key"] = .string(key) }
        if let strategy = field.patchStrategy { property["x-kubernetes-patch-strategy"] = .string(strategy) }
        // A reference stands alone in OpenAPI 3.0; with other words beside it, it is wrapped.
        if form == .v3, property.members.count > 1, let reference = property.remove("$ref") {
            property["allOf"] = [["$ref": reference]]
        }
        return property
    }

    private func shape(_ type: FieldType) -> JSON {
        if let simple = OpenAPISchemas.simple(type) { return Self.pointer(simple.rawValue, form) }
        switch type {
        case .string: return ["type": "string"]
        case .int32: return ["type": "integer", "format": "int32"]
        case .int64: return ["type": "integer", "format": "int64"]
        case .bool: return ["type": "boolean"]
        case .number: return ["type": "number", "format": "double"]
        case .bytes: return ["type": "string", "format": "byte"]
        case .reference(let name): return Self.reference(name, form)
        case .array(let item): return ["type": "array", "items": shape(item)]
        case .map(let item): return ["type": "object", "additionalProperties": shape(item)]
        // A schema without any word is none to kubectl explain.
        default: return form == .v2 ? ["type": "object"] : ["description": .string(Self.descriptions["any"] ?? "")]
        }
    }

    // MARK: Descriptions

    private static func description(ofType type: SchemaType) -> String? {
        if let text = descriptions[type.name] { return text }
        if type.kind != nil, type.name.hasSuffix("List") {
            return descriptions["list"].map { $0 + " " + type.shortName.dropLast(4) + "." }
        }
        for suffix in ["Spec", "Status", "Condition"] where type.shortName.hasSuffix(suffix) {
            let noun = type.shortName.dropLast(suffix.count)
            let article = "AEIO".contains(noun.first ?? "x") ? "an" : "a"
            return descriptions["suffix.\(suffix)"]?.replacing("{}", with: "\(article) \(noun)")
        }
        return nil
    }

    /// The text of a field: its own, that of its kind of object, or that of its type.
    private static func description(of field: SchemaField, in type: SchemaType) -> String? {
        if let text = descriptions["\(type.name).\(field.name)"] { return text }
        if type.kind != nil {
            let isList = type.name.hasSuffix("List")
            if isList, let text = descriptions["list.\(field.name)"] { return text }
            if let text = descriptions["*.\(field.name)"] { return text }
        }
        if let text = descriptions["any.\(field.name)"] { return text }
        switch field.type {
        case .reference(let name), .array(.reference(let name)):
            return Schema.type(name).flatMap(description(ofType:))
        default: return nil
        }
    }

    /// Texts by `TYPE`, `TYPE.FIELD`, `*.FIELD` for the fields of every object and `any.FIELD` for those of every type.
    /// Source: `assets/api/descriptions.txt`.
    private static let descriptions: [String: String] = {
        var result: [String: String] = [:]
        for row in Asset.descriptions.rows where row.count == 2 { result[row[0]] = row[1] }
        return result
    }()
}
