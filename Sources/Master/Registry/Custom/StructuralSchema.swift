import Shared

/// The schema of custom objects in the form in which the server works with it. Source: apiextensions `schema.Structural`.
///
/// Made once when a definition is stored and never changed. A class, because a schema is shared by all who use it.
final class StructuralSchema: Sendable {
    /// What members beyond the named ones may be.
    enum Others: Sendable {
        /// They are dropped.
        case none
        case any
        case schema(StructuralSchema)
    }
    /// How the items of a list belong together. Source: `x-kubernetes-list-type`.
    enum ListType: Sendable, Equatable {
        case atomic
        case set
        case map([String])
    }

    /// `object`, `array`, `string`, `integer`, `number`, `boolean`; empty when the schema does not say.
    let type: String
    let isNullable: Bool
    /// `x-kubernetes-preserve-unknown-fields`: members that are not named stay.
    let preservesUnknown: Bool
    let isIntOrString: Bool
    /// `x-kubernetes-embedded-resource`: a whole object with kind and metadata.
    let isEmbedded: Bool
    /// In the order of their names.
    let properties: [(name: String, schema: StructuralSchema)]
    private let places: [String: Int]
    let items: StructuralSchema?
    let others: Others
    let listType: ListType
    let isAtomicMap: Bool
    /// The value that stands for an absent one; nil when there is none.
    let fallback: JSON?
    let checks: ValueChecks
    /// `x-kubernetes-validations`.
    let rules: [CustomRule]
    /// Whether the schema, or one inside it, has a default.
    let hasDefaults: Bool
    /// Whether the schema, or one inside it, has rules.
    let hasRules: Bool
    /// Whether the schema, or one inside it, is of a whole object.
    let hasEmbedded: Bool

    init(_ json: JSON) {
        type = json["type"].string ?? ""
        isNullable = json["nullable"].bool ?? false
        preservesUnknown = json["x-kubernetes-preserve-unknown-fields"].bool ?? false
        isIntOrString = json["x-kubernetes-int-or-string"].bool ?? false
        isEmbedded = json["x-kubernetes-embedded-resource"].bool ?? false
        properties = json["properties"].members.sorted().map { ($0.key, StructuralSchema($0.value)) }
        places = Dictionary(properties.enumerated().map { ($1.name, $0) }) { first, _ in first }
        items = json["items"].object == nil ? nil : StructuralSchema(json["items"])
        switch json["additionalProperties"] {
        case .object: others = .schema(StructuralSchema(json["additionalProperties"]))
        case .bool(true): others = .any
        default: others = .none
        }
        let keys = json["x-kubernetes-list-map-keys"].items.compactMap(\.string)
        switch json["x-kubernetes-list-type"].string {
        case "set": listType = .set
        case "map": listType = .map(keys)
        default: listType = .atomic
        }
        isAtomicMap = json["x-kubernetes-map-type"].string == "atomic"
        fallback = json.object?["default"]
        checks = ValueChecks(json)
        rules = json["x-kubernetes-validations"].items.compactMap { CustomRule($0) }
        var inner = properties.map(\.schema)
        if let items { inner.append(items) }
        if case .schema(let schema) = others { inner.append(schema) }
        hasDefaults = fallback != nil || inner.contains(where: \.hasDefaults)
        hasRules = !rules.isEmpty || inner.contains(where: \.hasRules)
        hasEmbedded = isEmbedded || inner.contains(where: \.hasEmbedded)
    }

    subscript(name: String) -> StructuralSchema? { places[name].map { properties[$0].schema } }

    /// The schema of a member; nil when nothing is known of it.
    func member(_ name: String) -> StructuralSchema? {
        if let named = self[name] { return named }
        if case .schema(let schema) = others { return schema }
        return nil
    }

    /// Keys that an embedded object has whether or not the schema names them.
    static let embeddedKeys = ["apiVersion", "kind", "metadata"]
}

/// The conditions that a value must meet, beyond its structure. Source: OpenAPI v3, as JSONSchemaProps has it.
struct ValueChecks: Sendable {
    let types: [String]
    let format: String
    let allowed: [JSON]?
    let maximum: Double?
    let isMaximumExclusive: Bool
    let minimum: Double?
    let isMinimumExclusive: Bool
    let multipleOf: Double?
    let lengthMost: Int?
    let lengthLeast: Int?
    let patternText: String
    let pattern: Pattern?
    let itemsMost: Int?
    let itemsLeast: Int?
    let propertiesMost: Int?
    let propertiesLeast: Int?
    let required: [String]
    let all: [NestedChecks]
    let any: [NestedChecks]
    let one: [NestedChecks]
    let none: NestedChecks?

    init(_ json: JSON) {
        if json["x-kubernetes-int-or-string"].bool ?? false {
            types = ["integer", "string"]
        } else {
            types = json["type"].string.map { $0.isEmpty ? [] : [$0] } ?? []
        }
        format = json["format"].string ?? ""
        allowed = json["enum"].items.isEmpty ? nil : json["enum"].items
        maximum = json["maximum"].double
        isMaximumExclusive = json["exclusiveMaximum"].bool ?? false
        minimum = json["minimum"].double
        isMinimumExclusive = json["exclusiveMinimum"].bool ?? false
        multipleOf = json["multipleOf"].double
        lengthMost = json["maxLength"].int
        lengthLeast = json["minLength"].int
        patternText = json["pattern"].string ?? ""
        pattern = patternText.isEmpty ? nil : try? Pattern(patternText)
        itemsMost = json["maxItems"].int
        itemsLeast = json["minItems"].int
        propertiesMost = json["maxProperties"].int
        propertiesLeast = json["minProperties"].int
        required = json["required"].items.compactMap(\.string)
        // The two alternatives that say nothing but "integer or string" are said by the type already.
        let isIntOrString = json["x-kubernetes-int-or-string"].bool ?? false
        let alternatives = json["anyOf"].items
        any =
            isIntOrString && alternatives == [["type": "integer"], ["type": "string"]]
            ? [] : alternatives.map { NestedChecks($0) }
        all = json["allOf"].items.map { NestedChecks($0) }
        one = json["oneOf"].items.map { NestedChecks($0) }
        none = json["not"].object == nil ? nil : NestedChecks(json["not"])
    }
}

/// Conditions inside `allOf`, `anyOf`, `oneOf` and `not`: they restrict a value and say nothing of its structure.
final class NestedChecks: Sendable {
    let checks: ValueChecks
    let properties: [(name: String, checks: NestedChecks)]
    let items: NestedChecks?
    let others: NestedChecks?

    init(_ json: JSON) {
        checks = ValueChecks(json)
        properties = json["properties"].members.sorted().map { ($0.key, NestedChecks($0.value)) }
        items = json["items"].object == nil ? nil : NestedChecks(json["items"])
        others = json["additionalProperties"].object == nil ? nil : NestedChecks(json["additionalProperties"])
    }
}
