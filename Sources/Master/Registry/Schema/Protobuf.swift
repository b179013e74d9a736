import Shared

/// Reads request bodies in Kubernetes's protobuf form, which typed clients since kubectl 1.32 send. Answers stay JSON.
/// Source: apimachinery `runtime/serializer/protobuf`; field numbers from `assets/api/schema.txt`.
enum Protobuf {
    /// Reads an envelope (`k8s\0` and a `runtime.Unknown`) and the object in it, as JSON ready for `Schema.decode`.
    ///
    /// - Throws: 400 BadRequest when the bytes are no such message or the kind has no known type.
    static func decode(_ bytes: [UInt8]) throws(Status) -> JSON {
        do throws(Malformed) {
            guard bytes.starts(with: [0x6B, 0x38, 0x73, 0x00]) else { throw Malformed() }
            var envelope = ProtobufReader(bytes: bytes[4...])
            var (apiVersion, kind, raw) = ("", "", bytes[bytes.endIndex...])
            while let field = try envelope.next() {
                if field.number == 2 { raw = field.bytes }
                guard field.number == 1 else { continue }
                var typeMeta = ProtobufReader(bytes: field.bytes)
                while let part = try typeMeta.next() {
                    if part.number == 1 { apiVersion = part.text }
                    if part.number == 2 { kind = part.text }
                }
            }
            let parts = apiVersion.split(separator: "/").map(String.init)
            let group = parts.count == 2 ? parts[0] : ""
            guard let type = Schema.of(GroupVersionKind(group: group, version: parts.last ?? "", kind: kind)) else {
                throw Malformed()
            }
            var object = try ProtobufReader.message(raw, type, depth: 0)
            object["apiVersion"] = .string(apiVersion)
            object["kind"] = .string(kind)
            return object
        } catch {
            throw Status(.badRequest, "the request body is not a protobuf message of a known kind; send JSON instead")
        }
    }

    /// Bytes that are no message of the expected type.
    struct Malformed: Error {}
}

/// Takes a message apart, field by field.
private struct ProtobufReader {
    var bytes: ArraySlice<UInt8>

    struct Part {
        let number: Int
        /// The value of a number; 0 for bytes.
        var value: UInt64 = 0
        var bytes: ArraySlice<UInt8> = []
        var isNumber = false
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// The next field; nil at the end.
    mutating func next() throws(Protobuf.Malformed) -> Part? {
        guard !bytes.isEmpty else { return nil }
        let tag = try varint()
        guard let number = Int(exactly: tag >> 3), number > 0 else { throw Protobuf.Malformed() }
        switch tag & 7 {
        case 0: return Part(number: number, value: try varint(), isNumber: true)
        case 1: return Part(number: number, value: try fixed(8), isNumber: true)
        case 2:
            guard let count = Int(exactly: try varint()), count <= bytes.count else { throw Protobuf.Malformed() }
            defer { bytes = bytes.dropFirst(count) }
            return Part(number: number, bytes: bytes.prefix(count))
        case 5: return Part(number: number, value: try fixed(4), isNumber: true)
        default: throw Protobuf.Malformed()
        }
    }

    private mutating func varint() throws(Protobuf.Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { throw Protobuf.Malformed() }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw Protobuf.Malformed()
    }
    private mutating func fixed(_ count: Int) throws(Protobuf.Malformed) -> UInt64 {
        guard bytes.count >= count else { throw Protobuf.Malformed() }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    static func message(_ bytes: ArraySlice<UInt8>, _ type: SchemaType, depth: Int) throws(Protobuf.Malformed) -> JSON {
        var object: JSON = .object(JSON.Members())
        try fill(&object, bytes, type, nestedIn: 0, depth: depth)
        return object
    }

    private static func fill(
        _ object: inout JSON, _ bytes: ArraySlice<UInt8>, _ type: SchemaType, nestedIn: Int, depth: Int
    ) throws(Protobuf.Malformed) {
        guard depth < Limits.nestingMax else { throw Protobuf.Malformed() }
        var reader = ProtobufReader(bytes: bytes)
        while let part = try reader.next() {
            if let field = type.fields.first(where: { $0.number == part.number && $0.nestedIn == nestedIn }) {
                try add(part, field, to: &object, depth: depth + 1)
            } else if nestedIn == 0, type.fields.contains(where: { $0.nestedIn == part.number }) {
                try fill(&object, part.bytes, type, nestedIn: part.number, depth: depth + 1)
            }
        }
    }

    private static func add(_ part: Part, _ field: SchemaField, to object: inout JSON, depth: Int)
        throws(Protobuf.Malformed)
    {
        switch field.type {
        case .array(let item):
            if case .array = object[field.name] {} else { object[field.name] = [] }
            guard case .array(var items) = object[field.name] else { return }
            object[field.name] = .null
            items.append(try value(part, item, depth: depth))
            object[field.name] = .array(items)
        case .map(let item):
            var reader = ProtobufReader(bytes: part.bytes)
            var (key, entry) = ("", item.zero)
            while let half = try reader.next() {
                if half.number == 1 { key = half.text }
                if half.number == 2 { entry = try value(half, item, depth: depth) }
            }
            if object[field.name].isNull { object[field.name] = [:] }
            object[field.name][key] = entry
        default: object[field.name] = try value(part, field.type, depth: depth)
        }
    }

    private static func value(_ part: Part, _ type: FieldType, depth: Int) throws(Protobuf.Malformed) -> JSON {
        switch type {
        case .string: return .string(part.text)
        case .int32, .int64: return .int(Int64(bitPattern: part.value))
        case .bool: return .bool(part.value != 0)
        case .number: return .double(Double(bitPattern: part.value))
        case .bytes: return .string(Base64.encode(Array(part.bytes)))
        case .reference(let name):
            guard let type = Schema.type(name) else { throw Protobuf.Malformed() }
            return try message(part.bytes, type, depth: depth)
        case .array(let item):  // The value of a map of lists: a message with the items as field 1.
            var items: [JSON] = []
            var reader = ProtobufReader(bytes: part.bytes)
            while let one = try reader.next(), one.number == 1 { items.append(try value(one, item, depth: depth)) }
            return .array(items)
        case .map, .either: throw Protobuf.Malformed()
        case .quantity, .intOrString, .time, .microTime, .duration, .any: return try special(part.bytes, type)
        }
    }

    /// The types that have a message of their own on this wire.
    private static func special(_ bytes: ArraySlice<UInt8>, _ type: FieldType) throws(Protobuf.Malformed) -> JSON {
        var parts: [Int: Part] = [:]
        var reader = ProtobufReader(bytes: bytes)
        while let part = try reader.next() { parts[part.number] = part }
        let number = Int64(bitPattern: parts[1]?.value ?? 0)
        switch type {
        case .quantity: return .string(parts[1]?.text ?? "0")
        case .intOrString:
            return number == 1 ? .string(parts[3]?.text ?? "") : .int(Int64(bitPattern: parts[2]?.value ?? 0))
        case .duration: return .string("\(number)ns")
        case .any: return (try? JSON(parsing: Array(parts[1]?.bytes ?? []))) ?? .null
        default:
            guard parts[1] != nil || parts[2] != nil, abs(number / 2) < 4_000_000_000 else { return .null }
            let nanoseconds = Int64(bitPattern: parts[2]?.value ?? 0) % 1_000_000_000
            let time = Timestamp(
                nanoseconds: number.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ nanoseconds)
            return .string(type == .microTime ? time.rfc3339Micro : time.rfc3339)
        }
    }
}
