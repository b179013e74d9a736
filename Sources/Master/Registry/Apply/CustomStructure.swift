import Shared

/// A type that a CustomResourceDefinition describes, as server-side apply sees it.
struct CustomStructure: MergeStructure {
    let schema: StructuralSchema
    /// The type is that of a whole object, which has metadata like any other.
    let isObject: Bool

    static func root(_ schema: StructuralSchema) -> MergeType {
        .structure(CustomStructure(schema: schema, isObject: true))
    }

    func type(of field: String) -> MergeType? {
        if isObject {
            switch field {
            case "apiVersion", "kind": return .scalar(.string)
            case "metadata":
                guard let structure = SchemaStructure.of("meta.v1.ObjectMeta") else { break }
                return .structure(structure)
            default: break
            }
        }
        return schema[field].map(CustomStructure.mergeType)
    }

    var others: MergeType? {
        if schema.preservesUnknown { return .untyped }
        switch schema.others {
        case .none: return nil
        case .any: return .untyped
        case .schema(let value): return CustomStructure.mergeType(value)
        }
    }

    private static func mergeType(_ schema: StructuralSchema) -> MergeType {
        if schema.isIntOrString { return .scalar(.any) }
        switch schema.type {
        case "object":
            if schema.isAtomicMap { return .atomic }
            if schema.properties.isEmpty, !schema.isEmbedded, case .schema(let value) = schema.others {
                return .map(mergeType(value))
            }
            return .structure(CustomStructure(schema: schema, isObject: schema.isEmbedded))
        case "array":
            guard let items = schema.items else { return .atomic }
            switch schema.listType {
            case .atomic: return .atomic
            case .set: return .set
            case .map(let keys):
                return .keyed(keys.map { MergeKey(name: $0, fallback: items[$0]?.fallback) }, mergeType(items))
            }
        case "string": return .scalar(.string)
        case "integer", "number": return .scalar(.number)
        case "boolean": return .scalar(.boolean)
        default: return .untyped
        }
    }
}
