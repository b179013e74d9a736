/// A JSON value. Objects keep their members in the order in which they were written.
///
/// Every Kubernetes object is one of these; a kind (`Pod`, `Node`, …) is a thin typed view over it, so unknown fields
/// survive every round trip. Bytes are read and written by `Wire/JSON`.
package enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number without fraction or exponent that fits.
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object(Members)
}

extension JSON {
    package var isNull: Bool { if case .null = self { true } else { false } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    package var object: Members? { if case .object(let value) = self { value } else { nil } }
    /// A whole number; a double without fraction counts as one.
    package var int: Int? {
        switch self {
        case .int(let value): Int(value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }
    package var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
    /// The items of an array; empty for anything else.
    package var items: [JSON] { array ?? [] }
    /// The members of an object; empty for anything else.
    package var members: Members { object ?? Members() }
    /// An object of strings as a dictionary; members of other types are left out.
    package var strings: [String: String] {
        var result: [String: String] = [:]
        for (key, value) in members { if let text = value.string { result[key] = text } }
        return result
    }

    /// The member `key`; `.null` when this is no object or has none. Setting makes an object of `.null`;
    /// setting `.null` stores an explicit null (see `remove`).
    package subscript(key: String) -> JSON {
        get { if case .object(let members) = self { members[key] ?? .null } else { .null } }
        _modify {
            var members = takeMembers()
            var value = members[key] ?? .null
            let index = members.index(of: key)
            if let index { members.clear(at: index) }
            defer {
                if let index { members.replace(at: index, with: value) } else { members.append(key, value) }
                self = .object(members)
            }
            yield &value
        }
    }

    /// The item at `index`; `.null` when there is none.
    package subscript(index: Int) -> JSON {
        if case .array(let items) = self, items.indices.contains(index) { items[index] } else { .null }
    }

    /// The value reached by following object keys; `.null` when the path ends early.
    package func at(_ path: String...) -> JSON { at(path) }
    package func at(_ path: some Sequence<String>) -> JSON {
        var value = self
        for key in path { value = value[key] }
        return value
    }

    /// Removes the member `key`, if there is one.
    @discardableResult
    package mutating func remove(_ key: String) -> JSON? {
        guard case .object = self else { return nil }
        var members = takeMembers()
        let removed = members.removeValue(for: key)
        self = .object(members)
        return removed
    }

    /// Sets the member `key`, or removes it when `value` is nil or null. (`condition ? nil : json` is null, not nil.)
    package mutating func set(_ key: String, _ value: JSON?) {
        if let value, !value.isNull { self[key] = value } else { remove(key) }
    }

    /// Moves the members out, so that changing them copies nothing.
    private mutating func takeMembers() -> Members {
        guard case .object(let members) = self else { return Members() }
        self = .null
        return members
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(Members(elements)) }
    package init(nilLiteral: ()) { self = .null }

    package init(_ value: Int) { self = .int(Int64(value)) }
    package init(_ value: Bool) { self = .bool(value) }
    package init(_ value: String) { self = .string(value) }
    package init(_ values: [String]) { self = .array(values.map(JSON.string)) }
    /// An object of strings, keys sorted as Go's encoder writes maps.
    package init(_ values: [String: String]) {
        self = .object(Members(values.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
}
