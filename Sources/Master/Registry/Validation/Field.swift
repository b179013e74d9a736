import Shared

/// A value on its place in an object: what validation walks along. Reading past the end yields absent fields.
struct Field: Sendable {
    let json: JSON
    private let place: Place

    /// The way to a field, kept backwards so that a step costs no text.
    private indirect enum Place: Sendable {
        case root
        case key(Place, String)
        case index(Place, Int)
        /// A key in brackets: `data[name]`.
        case entry(Place, String)
    }

    /// The whole object.
    init(_ json: JSON) {
        self.json = json
        place = .root
    }
    private init(_ json: JSON, _ place: Place) {
        self.json = json
        self.place = place
    }

    /// The object as a whole, in the path that Kubernetes writes for it: `[]`.
    static let whole = Field(.null).entry("")

    subscript(key: String) -> Field { Field(json[key], .key(place, key)) }
    subscript(index: Int) -> Field { Field(json[index], .index(place, index)) }
    /// An entry of a map, whose path is written `field[key]`.
    func entry(_ key: String) -> Field { Field(json[key], .entry(place, key)) }
    /// Another value at the same place.
    func with(_ json: JSON) -> Field { Field(json, place) }

    var items: [Field] { json.items.enumerated().map { Field($1, .index(place, $0)) } }
    var entries: [(key: String, field: Field)] { json.members.map { ($0.key, Field($0.value, .entry(place, $0.key))) } }

    /// `spec.containers[0].name`.
    var path: String {
        switch place {
        case .root: ""
        case .key(.root, let key): key
        case .key(let outer, let key): "\(Field(.null, outer).path).\(key)"
        case .index(let outer, let index): "\(Field(.null, outer).path)[\(index)]"
        case .entry(let outer, let key): "\(Field(.null, outer).path)[\(key)]"
        }
    }

    var isAbsent: Bool { json.isNull }
    var isPresent: Bool { !json.isNull }
    /// The text; empty when absent.
    var text: String { json.string ?? "" }
    var int: Int? { json.int }
    var bool: Bool { json.bool ?? false }
    var quantity: Quantity? { json.string.flatMap { Quantity($0) } }

    /// The value as an error shows it: texts quoted, the rest as JSON.
    var shown: String { if case .string(let text) = json { text.goQuoted } else { json.encodedText } }
}

/// The errors found so far.
typealias FieldErrors = [FieldError]

extension FieldErrors {
    mutating func required(_ field: Field, _ detail: String = "") {
        append(FieldError(reason: .required, field: field.path, detail: detail))
    }
    mutating func invalid(_ field: Field, _ detail: String) {
        append(FieldError(reason: .invalid, field: field.path, value: field.shown, detail: detail))
    }
    mutating func invalid(_ field: Field, shown: String, _ detail: String) {
        append(FieldError(reason: .invalid, field: field.path, value: shown, detail: detail))
    }
    mutating func forbidden(_ field: Field, _ detail: String = "") {
        append(FieldError(reason: .forbidden, field: field.path, detail: detail))
    }
    mutating func notSupported(_ field: Field, _ values: [String]) {
        let list = values.isEmpty ? "" : "supported values: " + values.map(\.goQuoted).joined(separator: ", ")
        append(FieldError(reason: .notSupported, field: field.path, value: field.shown, detail: list))
    }
    mutating func duplicate(_ field: Field, shown: String? = nil, _ detail: String = "") {
        append(FieldError(reason: .duplicate, field: field.path, value: shown ?? field.shown, detail: detail))
    }
    mutating func notFound(_ field: Field) {
        append(FieldError(reason: .notFound, field: field.path, value: field.shown))
    }
    mutating func tooLong(_ field: Field, bytes: Int) {
        append(FieldError(reason: .tooLong, field: field.path, detail: "may not be more than \(bytes) bytes"))
    }
    mutating func tooMany(_ field: Field, count: Int, max: Int) {
        append(
            FieldError(
                reason: .tooMany, field: field.path, value: String(count), detail: "must have at most \(max) items"))
    }

    // Rules that many fields share.

    /// One of `values`; when absent: required.
    mutating func oneOf(_ field: Field, _ values: [String], required isRequired: Bool = false) {
        if field.text.isEmpty, isRequired {
            required(field)
        } else if !values.contains(field.text) {
            notSupported(field, values)
        }
    }
    mutating func nonNegative(_ field: Field) {
        if let number = field.int, number < 0 { invalid(field, "must be greater than or equal to 0") }
    }
    mutating func nonEmpty(_ field: Field, _ detail: String = "") {
        if field.text.isEmpty { required(field, detail) }
    }
    /// Present values stay as they were.
    mutating func immutable(
        _ new: Field, _ old: Field, _ detail: String = "field is immutable", shown: String? = nil
    ) {
        if new.json != old.json { invalid(new, shown: shown ?? new.shown, detail) }
    }
}

extension FieldErrors {
    /// Adds every text as an invalid value.
    mutating func check(_ field: Field, _ texts: [String]) {
        for text in texts { invalid(field, text) }
    }
}
