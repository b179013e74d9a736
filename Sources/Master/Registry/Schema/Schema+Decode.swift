import Shared

/// What to do about fields that the type does not have. Source: the query parameter `fieldValidation`.
enum FieldValidation: String, Sendable {
    case strict = "Strict"
    case warn = "Warn"
    case ignore = "Ignore"
}

extension Schema {
    /// An object in the form in which it is stored, and the warnings for its writer.
    struct Decoded: Sendable {
        var object: JSON
        /// Texts for `Warning: 299 - "…"` headers.
        var warnings: [String] = []
    }

    /// Reads `json` as an object of the resource's kind: checks types, drops unknown fields and nulls, writes quantities
    /// and times in their canonical form, and adds the fields that the server always writes.
    ///
    /// - Parameter duplicates: paths of members written twice (`JSONNotes.duplicates`).
    /// - Throws: 400 BadRequest with Kubernetes's text when a value has the wrong type, or on unknown fields in strict mode.
    static func decode(
        _ json: JSON, as kind: GroupVersionKind, fieldValidation: FieldValidation = .warn, duplicates: [String] = []
    ) throws(Status) -> Decoded {
        guard let type = of(kind) else { return Decoded(object: json) }
        var reader = SchemaReader()
        var object: JSON
        do throws(SchemaReader.Mismatch) {
            object = try reader.object(json, type)
        } catch {
            throw badRequest(kind, error.message)
        }
        let notes = duplicates.prefix(Limits.strictErrorsMax).map { "duplicate field \"\($0)\"" }
        let findings = notes + reader.unknown.map { "unknown field \"\($0)\"" }
        if fieldValidation == .strict, !findings.isEmpty {
            throw badRequest(kind, "strict decoding error: " + findings.joined(separator: ", "))
        }
        object["apiVersion"] = .string(kind.apiVersion)
        object["kind"] = .string(kind.kind)
        return Decoded(object: object, warnings: fieldValidation == .warn ? findings : [])
    }

    /// Why a part of an object can not be read.
    struct Unreadable: Error {
        let message: String
    }

    /// Metadata by itself, as it lies in an object of any kind.
    /// - Returns: the metadata in its stored form, and the paths of the fields that no metadata has.
    static func metadata(_ json: JSON) throws(Unreadable) -> (object: JSON, unknown: [String]) {
        guard let type = type("meta.v1.ObjectMeta") else { return (json, []) }
        var reader = SchemaReader()
        do throws(SchemaReader.Mismatch) {
            return (try reader.object(json.isNull ? [:] : json, type), reader.unknown)
        } catch {
            throw Unreadable(message: error.message)
        }
    }

    private static func badRequest(_ kind: GroupVersionKind, _ why: String) -> Status {
        Status(.badRequest, refusalPrefix(kind) + why)
    }

    /// How the message of a refusal begins.
    static func refusalPrefix(_ kind: GroupVersionKind) -> String {
        "\(kind.kind) in version \"\(kind.version)\" cannot be handled as a \(kind.kind): "
    }
}

/// Walks a value along its type.
private struct SchemaReader {
    /// A value of the wrong type.
    struct Mismatch: Error {
        let message: String
    }

    /// One step on the way to a value.
    private enum Step {
        case field(String)
        case key(String)
        case item(Int)
    }

    var unknown: [String] = []
    private var path: [Step] = []
    /// The struct that holds the last field of the path.
    private var owner: SchemaType?

    mutating func object(_ json: JSON, _ type: SchemaType) throws(Mismatch) -> JSON {
        guard case .object(let members) = json else { throw mismatch(json, type.goName) }
        var slots = [JSON?](repeating: nil, count: type.fields.count)
        let outer = owner
        owner = type
        defer { owner = outer }
        for member in members {
            guard let index = type.index(of: member.key) else {
                note(member.key)
                continue
            }
            let field = type.fields[index]
            path.append(.field(member.key))
            if let value = try value(member.value, field.type),
                field.isAlways || field.keepsZero || !isEmpty(value, field.type)
            {
                slots[index] = value
            }
            path.removeLast()
        }
        var result = JSON.Members()
        result.reserveCapacity(members.count + 2)
        for (index, field) in type.fields.enumerated() {
            if let value = slots[index], !field.isAlways || !isEmpty(value, field.type) {
                result.append(field.name, value)
            } else if field.isAlways {
                result.append(field.name, field.type.zero)
            }
        }
        return .object(result)
    }

    /// The canonical form of a value; nil when it is null.
    private mutating func value(_ json: JSON, _ type: FieldType) throws(Mismatch) -> JSON? {
        if json.isNull { return nil }
        switch type {
        case .any: return json
        case .string:
            guard case .string = json else { throw mismatch(json, type.goName) }
            return json
        case .bool:
            guard case .bool = json else { throw mismatch(json, type.goName) }
            return json
        case .int32: return try integer(json, type, Int64(Int32.min)...Int64(Int32.max))
        case .int64: return try integer(json, type, .min ... .max)
        case .number:
            guard json.double != nil else { throw mismatch(json, type.goName) }
            return json
        case .quantity: return try quantity(json)
        case .intOrString:
            if case .string = json { return json }
            return try integer(json, .int32, Int64(Int32.min)...Int64(Int32.max))
        case .time, .microTime: return try time(json, isMicro: type == .microTime)
        case .duration:
            guard case .string(let text) = json else { throw mismatch(json, "string") }
            guard Duration(parsing: text) != nil else { throw Mismatch(message: "time: invalid duration \"\(text)\"") }
            return json
        case .bytes: return try bytes(json)
        case .reference(let name):
            guard let type = Schema.type(name) else { return json }
            return try object(json, type)
        case .array(let item): return try array(json, item, type)
        case .map(let item): return try map(json, item, type)
        case .either(let first, let second): return try either(json, first, second)
        }
    }

    private mutating func array(_ json: JSON, _ item: FieldType, _ type: FieldType) throws(Mismatch) -> JSON {
        guard case .array(let items) = json else { throw mismatch(json, type.goName) }
        var result: [JSON] = []
        result.reserveCapacity(items.count)
        for (index, value) in items.enumerated() {
            path.append(.item(index))
            result.append(try self.value(value, item) ?? item.zero)
            path.removeLast()
        }
        return .array(result)
    }

    private mutating func map(_ json: JSON, _ item: FieldType, _ type: FieldType) throws(Mismatch) -> JSON {
        guard case .object(let members) = json else { throw mismatch(json, type.goName) }
        var result = JSON.Members()
        result.reserveCapacity(members.count)
        for member in members.sorted() {
            path.append(.key(member.key))
            result.append(member.key, try value(member.value, item) ?? item.zero)
            path.removeLast()
        }
        return .object(result)
    }

    private mutating func either(_ json: JSON, _ first: FieldType, _ second: FieldType) throws(Mismatch) -> JSON? {
        let saved = (unknown, path, owner)
        do throws(Mismatch) {
            return try value(json, first)
        } catch {
            (unknown, path, owner) = saved
            return try value(json, second)
        }
    }

    private func integer(_ json: JSON, _ type: FieldType, _ range: ClosedRange<Int64>) throws(Mismatch) -> JSON {
        switch json {
        case .int(let number) where range.contains(number): return json
        case .double(let number):
            guard let whole = Int64(exactly: number), range.contains(whole) else { break }
            return .int(whole)
        default: break
        }
        throw mismatch(json, type.goName)
    }

    private func quantity(_ json: JSON) throws(Mismatch) -> JSON {
        let text: String
        switch json {
        case .string(let value): text = value
        case .int(let value): text = String(value)
        case .double: text = json.encodedText
        default: text = "?"
        }
        guard let quantity = Quantity(text.isEmpty ? "0" : text) else {
            throw Mismatch(
                message: "quantities must match the regular expression "
                    + "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
        }
        return .string(quantity.description)
    }

    private func time(_ json: JSON, isMicro: Bool) throws(Mismatch) -> JSON {
        guard case .string(let text) = json else { throw mismatch(json, "string") }
        guard let time = Timestamp(rfc3339: text) else {
            let layout = isMicro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00"
            throw Mismatch(
                message:
                    "parsing time \(text.goQuoted) as \(layout.goQuoted): cannot parse \(text.goQuoted) as \"2006\"")
        }
        return .string(isMicro ? time.rfc3339Micro : time.rfc3339)
    }

    private func bytes(_ json: JSON) throws(Mismatch) -> JSON {
        guard case .string(let text) = json else { throw mismatch(json, "[]uint8") }
        do throws(Base64.Corrupt) {
            let bytes = try Base64.decodeOrPlace(text)
            return text.utf8.contains(UInt8(ascii: "\n")) ? .string(Base64.encode(bytes)) : json
        } catch {
            throw Mismatch(message: "illegal base64 data at input byte \(error.offset)")
        }
    }

    /// Whether Go's `omitempty` leaves the value out. Structs behind pointers stay, however empty.
    private func isEmpty(_ value: JSON, _ type: FieldType) -> Bool {
        switch type {
        case .any, .either: return value.isNull
        default: break
        }
        return switch value {
        case .string(let text): text.isEmpty
        case .int(let number): number == 0 && type != .intOrString
        case .double(let number): number == 0
        case .bool(let flag): !flag
        case .array(let items): items.isEmpty
        case .object(let members):
            if case .map = type { members.isEmpty } else { false }
        case .null: true
        }
    }

    private mutating func note(_ key: String) {
        guard unknown.count < Limits.strictErrorsMax else { return }
        var text = ""
        for step in path + [.field(key)] {
            switch step {
            case .field(let name), .key(let name): text += text.isEmpty ? name : ".\(name)"
            case .item(let index): text += "[\(index)]"
            }
        }
        unknown.append(text)
    }

    private func mismatch(_ json: JSON, _ wanted: String) -> Mismatch {
        let shown = json.goKind == "number" && wanted.hasPrefix("int") ? " \(json.encodedText)" : ""
        let names = path.compactMap { if case .field(let name) = $0 { name } else { nil } }
        let place = names.isEmpty ? "value" : "struct field \(owner?.shortName ?? "").\(names.joined(separator: "."))"
        return Mismatch(message: "json: cannot unmarshal \(json.goKind)\(shown) into Go \(place) of type \(wanted)")
    }
}
