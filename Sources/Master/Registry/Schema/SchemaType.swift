import Shared

/// One type of the API: its fields in the order in which the server writes them.
final class SchemaType: Sendable {
    /// `core.v1.PodSpec`.
    let name: String
    /// Group, version and kind when the type is an object or a list of its own.
    let kind: GroupVersionKind?
    let fields: [SchemaField]
    /// Server-side apply treats a value of this type as one piece.
    let isAtomic: Bool
    private let places: [String: Int]

    /// Reads a line of `schema.txt`.
    init(cells: [String]) {
        name = cells.first ?? ""
        let parts = (cells.count > 1 ? cells[1] : "-").split(separator: "/", omittingEmptySubsequences: false)
        kind =
            parts.count == 3
            ? GroupVersionKind(group: String(parts[0]), version: String(parts[1]), kind: String(parts[2])) : nil
        isAtomic = cells.count > 2 && cells[2] == "atomic"
        fields = cells.dropFirst(3).compactMap(SchemaField.init(cell:))
        places = Dictionary(fields.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    /// The place of a field in `fields`; field names are case-sensitive.
    func index(of field: String) -> Int? { places[field] }
    subscript(field: String) -> SchemaField? { places[field].map { fields[$0] } }

    /// Go's name: `v1.PodSpec`.
    var goName: String { name.split(separator: ".").suffix(2).joined(separator: ".") }
    /// `PodSpec`.
    var shortName: String { String(name.split(separator: ".").last ?? "") }

    /// What the server writes for an empty value: the fields that are always there.
    var zero: JSON {
        var members = JSON.Members()
        for field in fields where field.isAlways { members.append(field.name, field.type.zero) }
        return .object(members)
    }
}

/// Group, version and kind.
struct GroupVersionKind: Hashable, Sendable {
    let group: String
    let version: String
    let kind: String
    var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}

/// The type of a field.
indirect enum FieldType: Sendable, Hashable {
    case string, int32, int64, bool, number, quantity, intOrString, time, microTime, duration, bytes, any
    case reference(String)
    case array(FieldType)
    case map(FieldType)
    /// One type or the other, as in JSONSchemaPropsOrBool.
    case either(FieldType, FieldType)

    /// Reads the spelling of `schema.txt`: `@core.v1.Pod`, `[string]`, `{quantity}`, `bool|@X`.
    init(_ text: Substring) {
        if let first = text.first, let last = text.last, text.count > 2 {
            if first == "[", last == "]" {
                self = .array(FieldType(text.dropFirst().dropLast()))
                return
            }
            if first == "{", last == "}" {
                self = .map(FieldType(text.dropFirst().dropLast()))
                return
            }
        }
        if let bar = text.firstIndex(of: "|") {
            self = .either(FieldType(text[..<bar]), FieldType(text[text.index(after: bar)...]))
            return
        }
        switch text {
        case "string": self = .string
        case "int32", "byte": self = .int32
        case "int64": self = .int64
        case "bool": self = .bool
        case "number": self = .number
        case "quantity": self = .quantity
        case "int-or-string": self = .intOrString
        case "time": self = .time
        case "microtime": self = .microTime
        case "duration": self = .duration
        case "bytes": self = .bytes
        default: self = text.first == "@" ? .reference(String(text.dropFirst())) : .any
        }
    }

    /// What Go's encoder writes for the zero value.
    var zero: JSON {
        switch self {
        case .string: ""
        case .int32, .int64, .number, .intOrString: 0
        case .bool: false
        case .quantity: "0"
        case .duration: "0s"
        case .reference(let name): Schema.type(name)?.zero ?? [:]
        case .time, .microTime, .bytes, .any, .array, .map, .either: .null
        }
    }

    /// Go's name of the type, as decoding errors show it.
    var goName: String {
        switch self {
        case .string: "string"
        case .int32: "int32"
        case .int64: "int64"
        case .bool: "bool"
        case .number: "float64"
        case .quantity: "resource.Quantity"
        case .intOrString: "intstr.IntOrString"
        case .time: "v1.Time"
        case .microTime: "v1.MicroTime"
        case .duration: "v1.Duration"
        case .bytes: "[]uint8"
        case .any: "runtime.RawExtension"
        case .reference(let name): name.split(separator: ".").suffix(2).joined(separator: ".")
        case .array(let item): "[]\(item.goName)"
        case .map(.quantity): "v1.ResourceList"
        case .map(let value): "map[string]\(value.goName)"
        case .either(_, let second): second.goName
        }
    }
}

/// One field of a type. A class, since every request passes many of them from hand to hand.
final class SchemaField: Sendable {
    let name: String
    let type: FieldType
    let isRequired: Bool
    /// The server writes the field even when it is empty.
    let isAlways: Bool
    /// An explicit zero value stays: the Go field is a pointer.
    let keepsZero: Bool
    /// The default in JSON or as bare text, as the API declares it.
    let defaultText: String?
    /// The name of the known values in `enums.txt`.
    let enumeration: String?
    /// `merge`, `replace`, `retainKeys`, `merge,retainKeys`; nil when the API says nothing.
    let patchStrategy: String?
    let mergeKey: String?
    /// `atomic`, `set`, `map` for lists; of server-side apply.
    let listType: String?
    let listKeys: [String]
    /// `atomic` or `granular` for maps and structs.
    let mapType: String?
    /// Number on the protobuf wire; 0 when unknown.
    let number: Int
    /// Numbers of the messages around the field on the protobuf wire, outermost first: Go embeds structs that JSON
    /// shows flat.
    let nesting: [Int]

    /// Reads `name type[!][;flag…]`.
    init?(cell: String) {
        guard let space = cell.firstIndex(of: " ") else { return nil }
        let parts = cell[cell.index(after: space)...].split(separator: ";", omittingEmptySubsequences: false)
        guard var text = parts.first else { return nil }
        name = String(cell[..<space])
        isRequired = text.last == "!"
        if isRequired { text.removeLast() }
        type = FieldType(text)
        var nesting: [Int] = []
        var flags: [Substring: String] = [:]
        for flag in parts.dropFirst() {
            let value = flag.firstIndex(of: "=").map { String(flag[flag.index(after: $0)...]) } ?? ""
            let key = flag.prefix { $0 != "=" }
            if key == "in" { nesting.append(Int(value) ?? 0) } else { flags[key] = value }
        }
        isAlways = flags["a"] != nil
        keepsZero = flags["k"] != nil
        defaultText = flags["d"]
        enumeration = flags["e"]
        patchStrategy = flags["ps"]
        mergeKey = flags["pk"]
        listType = flags["lt"]
        listKeys = flags["lk"]?.split(separator: ",").map(String.init) ?? []
        mapType = flags["mt"]
        number = flags["pb"].flatMap { Int($0) } ?? 0
        self.nesting = nesting
    }

    /// The type of the field's struct, or of the structs in its list or map; nil for anything else.
    var structName: String? {
        switch type {
        case .reference(let name), .array(.reference(let name)), .map(.reference(let name)): name
        default: nil
        }
    }
}
