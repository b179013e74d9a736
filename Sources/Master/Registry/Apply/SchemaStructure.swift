import Shared
import Synchronization

/// A type of the API's own schema, as server-side apply sees it. A class: merge types are made when they are first asked
/// for, since a change touches few fields, and then kept.
final class SchemaStructure: MergeStructure {
    private let type: SchemaType
    private let known = Mutex<[String: MergeType]>([:])
    private static let all = Mutex<[String: SchemaStructure]>([:])

    private init(_ type: SchemaType) { self.type = type }

    /// The structure of the type of this name; nil when the schema does not know it.
    static func of(_ name: String) -> SchemaStructure? {
        if let made = all.withLock({ $0[name] }) { return made }
        guard let type = Schema.type(name) else { return nil }
        return all.withLock { all in
            let made = all[name] ?? SchemaStructure(type)
            all[name] = made
            return made
        }
    }

    /// The merge type of the kind's objects; untyped when the schema does not know the kind.
    static func root(_ resource: Resource) -> MergeType {
        resource.schemaType.flatMap(of).map(MergeType.structure) ?? .untyped
    }

    var others: MergeType? { nil }
    func type(of field: String) -> MergeType? {
        if let type = known.withLock({ $0[field] }) { return type }
        guard let made = type[field].map(SchemaStructure.mergeType) else { return nil }
        known.withLock { $0[field] = made }
        return made
    }

    private static func mergeType(_ field: SchemaField) -> MergeType {
        if field.mapType == "atomic" { return .atomic }
        guard case .array(let item) = field.type else { return mergeType(field.type) }
        switch field.listType {
        case "set": return .set
        case "map":
            guard case .reference(let name) = item, let structure = of(name) else { return .atomic }
            let keys = field.listKeys.map { MergeKey(name: $0, fallback: fallback(structure.type[$0])) }
            return .keyed(keys, .structure(structure))
        default: return .atomic
        }
    }

    private static func mergeType(_ type: FieldType) -> MergeType {
        switch type {
        case .reference(let name):
            guard let structure = of(name) else { return .untyped }
            return structure.type.isAtomic ? .atomic : .structure(structure)
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
