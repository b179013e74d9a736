import Shared

/// A type of the API's own schema, as server-side apply sees it. Merge types are made when they are asked for: a change
/// touches few fields.
struct SchemaStructure: MergeStructure {
    let type: SchemaType

    /// The merge type of the kind's objects; untyped when the schema does not know the kind.
    static func root(_ resource: Resource) -> MergeType {
        guard let name = resource.schemaType, let type = Schema.type(name) else { return .untyped }
        return .structure(SchemaStructure(type: type))
    }

    var others: MergeType? { nil }
    func type(of field: String) -> MergeType? { type[field].map(SchemaStructure.mergeType) }

    private static func mergeType(_ field: SchemaField) -> MergeType {
        if field.mapType == "atomic" { return .atomic }
        guard case .array(let item) = field.type else { return mergeType(field.type) }
        switch field.listType {
        case "set": return .set
        case "map":
            guard case .reference(let name) = item, let type = Schema.type(name) else { return .atomic }
            let keys = field.listKeys.map { MergeKey(name: $0, fallback: fallback(type[$0])) }
            return .keyed(keys, .structure(SchemaStructure(type: type)))
        default: return .atomic
        }
    }

    private static func mergeType(_ type: FieldType) -> MergeType {
        switch type {
        case .reference(let name):
            guard let type = Schema.type(name) else { return .untyped }
            return type.isAtomic ? .atomic : .structure(SchemaStructure(type: type))
        case .map(let value): return .map(mergeType(value))
        case .array: return .atomic
        case .any, .either: return .untyped
        case .string, .bytes, .duration: return .scalar(.string)
        case .int32, .int64, .number: return .scalar(.number)
        case .bool: return .scalar(.boolean)
        case .quantity, .intOrString, .time, .microTime: return .scalar(.any)
        }
    }

    /// What stands for a key that an item leaves out: its default, or the zero that the server writes.
    private static func fallback(_ field: SchemaField?) -> JSON? {
        guard let field else { return nil }
        guard let text = field.defaultText else { return field.isAlways ? field.type.zero : nil }
        if case .string = field.type { return .string(text) }
        return try? JSON(parsing: text)
    }
}
