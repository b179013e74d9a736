import Shared

/// Why a value does not fit its type when it is not read from text but converted from another value, as it happens with
/// strategic merge patches. Source: apimachinery `runtime/converter.go`.
enum Unstructured {
    /// The first complaint in the order of the type's fields; nil when there is none.
    static func complaint(about value: JSON, _ type: SchemaType) -> String? {
        guard case .object(let members) = value else { return "cannot restore struct from: \(kind(value))" }
        for field in type.fields {
            if let value = members[field.name], let text = complaint(about: value, field.type) { return text }
        }
        return nil
    }

    private static func complaint(about value: JSON, _ type: FieldType) -> String? {
        if value.isNull { return nil }
        switch type {
        case .reference(let name): return Schema.type(name).flatMap { complaint(about: value, $0) }
        case .array(let item):
            guard case .array(let items) = value else { return "cannot restore slice from \(kind(value))" }
            return items.lazy.compactMap { complaint(about: $0, item) }.first
        case .map(let item):
            guard case .object(let members) = value else { return "cannot restore map from \(kind(value))" }
            return members.sorted().lazy.compactMap { complaint(about: $0.value, item) }.first
        case .string: return value.string == nil ? "cannot convert \(value.goType) to string" : nil
        case .bool: return value.bool == nil ? "cannot convert \(value.goType) to bool" : nil
        case .int32, .int64: return value.int == nil ? "cannot convert \(value.goType) to \(type.goName)" : nil
        case .number: return value.double == nil ? "cannot convert \(value.goType) to float64" : nil
        case .bytes: return value.string == nil ? "cannot restore slice from \(kind(value))" : nil
        case .any, .either, .quantity, .intOrString, .time, .microTime, .duration: return nil
        }
    }

    /// Go's `reflect.Kind`.
    private static func kind(_ value: JSON) -> String {
        switch value {
        case .object: "map"
        case .array: "slice"
        default: value.goType
        }
    }
}
