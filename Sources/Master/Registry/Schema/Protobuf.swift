import Shared

/// Reads objects in Kubernetes's protobuf form, which typed clients send since kubectl 1.32.
///
/// The body is `k8s\0` and a `runtime.Unknown` message that names the kind and holds the object's own message. Field
/// numbers come from the schema; unknown numbers are skipped, as protobuf demands.
/// Source: apimachinery `runtime/serializer/protobuf`, protobuf.dev "Encoding".
enum Protobuf {
    private static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    /// - Throws: 400 for a body that is damaged or of a kind that the schema does not know.
    static func decode(_ body: [UInt8]) throws(Status) -> JSON {
        guard body.starts(with: magic) else {
            throw Status(.badRequest, "the body of the request is not protobuf: it does not begin with k8s\\0")
        }
        do throws(Damaged) {
            return try object(body[magic.count...])
        } catch {
            throw Status(.badRequest, "the protobuf body of the request is damaged: \(error.what)")
        }
    }

    /// What is wrong with a body.
    struct Damaged: Error {
        let what: String
    }

    private static func object(_ bytes: ArraySlice<UInt8>) throws(Damaged) -> JSON {
        var apiVersion = ""
        var kind = ""
        var raw: ArraySlice<UInt8> = []
        var envelope = ProtobufFields(bytes)
        while let field = try envelope.next() {
            switch field.number {
            case 1:
                var type = ProtobufFields(try field.message())
                while let part = try type.next() {
                    if part.number == 1 { apiVersion = try part.text() }
                    if part.number == 2 { kind = try part.text() }
                }
            case 2: raw = try field.message()
            case 3: if try !field.text().isEmpty { throw Damaged(what: "encoded content is not understood") }
            default: break
            }
        }
        let parts = apiVersion.split(separator: "/")
        let name = GroupVersionKind(
            group: parts.count == 2 ? String(parts[0]) : "", version: parts.last.map(String.init) ?? "", kind: kind)
        guard let type = Schema.of(name) ?? (kind == "DeleteOptions" ? Schema.type("meta.v1.DeleteOptions") : nil)
        else {
            throw Damaged(what: "the kind \(kind) of \(apiVersion) is not known")
        }
        var reader = ProtobufReader()
        var json = try reader.message(raw, type)
        json["apiVersion"] = .string(apiVersion)
        json["kind"] = .string(kind)
        return json
    }
}

/// Builds JSON from messages, by the schema.
private struct ProtobufReader {
    typealias Damaged = Protobuf.Damaged
    private var depth = 0

    mutating func message(_ bytes: ArraySlice<UInt8>, _ type: SchemaType) throws(Damaged) -> JSON {
        depth += 1
        guard depth <= Limits.nestingMax else {
            throw Damaged(what: "more than \(Limits.nestingMax) levels are nested")
        }
        var json: JSON = [:]
        try members(bytes, type, inside: [], into: &json)
        depth -= 1
        return json
    }

    /// Reads the fields of one message; those of Go's embedded structs lie in messages of their own.
    private mutating func members(
        _ bytes: ArraySlice<UInt8>, _ type: SchemaType, inside: [Int], into json: inout JSON
    ) throws(Damaged) {
        var fields = ProtobufFields(bytes)
        while let field = try fields.next() {
            if let known = type.fields.first(where: { $0.number == field.number && $0.nesting == inside }) {
                try add(field, known, to: &json)
            } else if type.fields.contains(where: { $0.nesting.starts(with: inside + [field.number]) }) {
                try members(try field.message(), type, inside: inside + [field.number], into: &json)
            }
        }
    }

    private mutating func add(_ field: ProtobufField, _ known: SchemaField, to json: inout JSON) throws(Damaged) {
        switch known.type {
        case .array(let item):
            var items = json[known.name].items
            if case .bytes(let packed) = field.value, item == .int32 || item == .int64 || item == .bool {
                var rest = packed
                while !rest.isEmpty { items.append(number(try ProtobufFields.varint(&rest), item)) }
            } else {
                items.append(try value(field, item))
            }
            json[known.name] = .array(items)
        case .map(let item):
            var key = ""
            var entry: JSON?
            var parts = ProtobufFields(try field.message())
            while let part = try parts.next() {
                if part.number == 1 { key = try part.text() }
                if part.number == 2 { entry = try value(part, item) }
            }
            json[known.name][key] = entry ?? item.zero
        default: json[known.name] = try value(field, known.type)
        }
    }

    private func number(_ value: UInt64, _ type: FieldType) -> JSON {
        type == .bool ? .bool(value != 0) : .int(Int64(bitPattern: value))
    }

    private mutating func value(_ field: ProtobufField, _ type: FieldType) throws(Damaged) -> JSON {
        switch type {
        case .string: return .string(try field.text())
        case .int32, .int64, .bool: return number(try field.integer(), type)
        case .number: return .double(try field.double())
        case .bytes: return .string(Base64.encode(Array(try field.message())))
        case .quantity: return .string(try text(1, in: field))
        case .time, .microTime: return try time(field, isMicro: type == .microTime)
        case .duration: return .string(duration(try integers(field)[1] ?? 0))
        case .intOrString:
            let numbers = try integers(field)
            return numbers[1] ?? 0 == 0 ? .int(numbers[2] ?? 0) : .string(try text(3, in: field))
        case .any:
            var raw = ArraySlice<UInt8>()
            var parts = ProtobufFields(try field.message())
            while let part = try parts.next() { if part.number == 1 { raw = try part.message() } }
            guard !raw.isEmpty else { return .null }
            guard let json = try? JSON(parsing: Array(raw)) else {
                throw Damaged(what: "an embedded value is not JSON")
            }
            return json
        case .reference(let name):
            guard let type = Schema.type(name) else { throw Damaged(what: "the type \(name) is not known") }
            return try message(try field.message(), type)
        case .array(let item):
            // A named list type, as the values of a review's `extra`.
            var items: [JSON] = []
            var parts = ProtobufFields(try field.message())
            while let part = try parts.next() { if part.number == 1 { items.append(try value(part, item)) } }
            return .array(items)
        case .map: throw Damaged(what: "a map stands where a value is due")
        case .either(let first, let second): return try either(field, first, second)
        }
    }

    /// `JSONSchemaPropsOrBool` {1: bool, 2: schema}, `…OrArray` {1: schema, 2: schemas}, `…OrStringArray` {1: schema, 2: strings}.
    private mutating func either(_ field: ProtobufField, _ first: FieldType, _ second: FieldType) throws(Damaged)
        -> JSON
    {
        var found: JSON = .null
        var items: [JSON] = []
        let (one, many): (FieldType, FieldType?) =
            if case .array(let item) = second { (first, item) } else { (first, nil) }
        var parts = ProtobufFields(try field.message())
        while let part = try parts.next() {
            switch (part.number, many) {
            case (1, _): found = try value(part, many == nil && one != .bool ? .bool : one)
            case (2, let item?): items.append(try value(part, item))
            case (2, nil): found = try value(part, one == .bool ? second : one)
            default: break
            }
        }
        return items.isEmpty ? found : .array(items)
    }

    private func integers(_ field: ProtobufField) throws(Damaged) -> [Int: Int64] {
        var numbers: [Int: Int64] = [:]
        var parts = ProtobufFields(try field.message())
        while let part = try parts.next() {
            if case .varint(let value) = part.value { numbers[part.number] = Int64(bitPattern: value) }
        }
        return numbers
    }

    private func text(_ number: Int, in field: ProtobufField) throws(Damaged) -> String {
        var parts = ProtobufFields(try field.message())
        while let part = try parts.next() { if part.number == number { return try part.text() } }
        return ""
    }

    private func time(_ field: ProtobufField, isMicro: Bool) throws(Damaged) -> JSON {
        let numbers = try integers(field)
        // An empty message is Go's zero time, which stands for none.
        guard let seconds = numbers[1] else { return .null }
        guard (-9_000_000_000...9_000_000_000).contains(seconds) else { throw Damaged(what: "a time is out of range") }
        let nanoseconds = min(max(numbers[2] ?? 0, 0), 999_999_999)
        let time = Timestamp(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
        return .string(isMicro ? time.rfc3339Micro : time.rfc3339)
    }

    private func duration(_ nanoseconds: Int64) -> String {
        nanoseconds % 1_000_000_000 == 0 ? "\(nanoseconds / 1_000_000_000)s" : "\(nanoseconds)ns"
    }
}

/// One field of a message, with its number.
private struct ProtobufField {
    enum Value {
        case varint(UInt64)
        case fixed(UInt64)
        case bytes(ArraySlice<UInt8>)
    }
    let number: Int
    let value: Value

    func message() throws(Protobuf.Damaged) -> ArraySlice<UInt8> {
        guard case .bytes(let bytes) = value else { throw Protobuf.Damaged(what: "field \(number) is no message") }
        return bytes
    }
    func text() throws(Protobuf.Damaged) -> String { String(decoding: try message(), as: UTF8.self) }
    func integer() throws(Protobuf.Damaged) -> UInt64 {
        guard case .varint(let integer) = value else { throw Protobuf.Damaged(what: "field \(number) is no integer") }
        return integer
    }
    func double() throws(Protobuf.Damaged) -> Double {
        guard case .fixed(let bits) = value else { throw Protobuf.Damaged(what: "field \(number) is no double") }
        return Double(bitPattern: bits)
    }
}

/// The fields of a message, one after the other.
private struct ProtobufFields {
    typealias Damaged = Protobuf.Damaged
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() throws(Damaged) -> ProtobufField? {
        guard !rest.isEmpty else { return nil }
        let tag = try Self.varint(&rest)
        guard tag >> 3 > 0, let number = Int32(exactly: tag >> 3) else { throw Damaged(what: "a field has no number") }
        let value: ProtobufField.Value
        switch tag & 7 {
        case 0: value = .varint(try Self.varint(&rest))
        case 1: value = .fixed(try fixed(8))
        case 2:
            let count = try Self.varint(&rest)
            guard count <= UInt64(rest.count) else { throw Damaged(what: "a field is longer than its message") }
            value = .bytes(rest.prefix(Int(count)))
            rest = rest.dropFirst(Int(count))
        case 5: value = .fixed(try fixed(4))
        default: throw Damaged(what: "field \(number) has an unknown wire type")
        }
        return ProtobufField(number: Int(number), value: value)
    }

    private mutating func fixed(_ count: Int) throws(Damaged) -> UInt64 {
        guard rest.count >= count else { throw Damaged(what: "the message ends within a field") }
        let value = rest.prefix(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(count)
        return value
    }

    static func varint(_ bytes: inout ArraySlice<UInt8>) throws(Damaged) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst() {
            guard shift < 64 else { throw Damaged(what: "an integer is too long") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Damaged(what: "the message ends within an integer")
    }
}
