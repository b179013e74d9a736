import Shared

/// A simple JSONPath: members, items and filters of one comparison, such as
/// `.status.conditions[?(@.type=="Ready")].status`. Source: client-go `util/jsonpath`, as printer columns use it.
struct FieldPath: Sendable, Equatable {
    struct Invalid: Error, Equatable, CustomStringConvertible { let description: String }

    private enum Step: Sendable, Equatable {
        case member(String)
        case index(Int)
        case all
        case matching([String], equal: Bool, JSON)
    }
    private var steps: [Step] = []

    static let stepsMax = 50

    /// Reads `.a.b[0]`, `.a['b.c']`, `.a[*].b`; a dot in a name is written `\.`.
    init(_ text: String) throws(Invalid) {
        var rest = Array(text.unicodeScalars)[...]
        if rest.first == "{", rest.last == "}" { rest = rest.dropFirst().dropLast() }
        if rest.first == "$" { rest.removeFirst() }
        while let scalar = rest.first {
            guard steps.count < FieldPath.stepsMax else { throw Invalid(description: "the path is too long") }
            rest.removeFirst()
            switch scalar {
            case ".":
                if rest.first == "." { throw Invalid(description: "recursive descent is not supported") }
                let name = FieldPath.name(&rest)
                if name == "*" { steps.append(.all) } else if !name.isEmpty { steps.append(.member(name)) }
            case "[": steps.append(try FieldPath.bracket(&rest))
            default:
                guard steps.isEmpty else { throw Invalid(description: "unexpected \(scalar) in the path") }
                steps.append(.member(String(scalar) + FieldPath.name(&rest)))
            }
        }
    }

    private static func name(_ rest: inout ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        while let scalar = rest.first, scalar != ".", scalar != "[" {
            rest.removeFirst()
            if scalar == "\\", let next = rest.popFirst() {
                view.append(next)
            } else {
                view.append(scalar)
            }
        }
        return String(view)
    }

    private static func bracket(_ rest: inout ArraySlice<Unicode.Scalar>) throws(Invalid) -> Step {
        var inner = String.UnicodeScalarView()
        var quote: Unicode.Scalar?
        while let scalar = rest.popFirst() {
            if let open = quote {
                if scalar == open { quote = nil }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            } else if scalar == "]" {
                return try step(String(inner))
            }
            inner.append(scalar)
        }
        throw Invalid(description: "unterminated array")
    }

    private static func step(_ text: String) throws(Invalid) -> Step {
        if text == "*" || text == ":" { return .all }
        if let index = Int(text) { return .index(index) }
        if let name = quoted(text) { return .member(name) }
        guard text.hasPrefix("?("), text.hasSuffix(")") else {
            throw Invalid(description: "[\(text)] is not supported")
        }
        let condition = text.dropFirst(2).dropLast()
        for (mark, equal) in [("==", true), ("!=", false)] {
            guard let range = condition.firstRange(of: mark) else { continue }
            let left = condition[..<range.lowerBound].trimmingSpaces
            let right = condition[range.upperBound...].trimmingSpaces
            guard left.hasPrefix("@") else { break }
            let path = left.dropFirst().split(separator: ".").map(String.init)
            let value: JSON =
                quoted(right).map(JSON.string) ?? (try? JSON(parsing: Array(right.utf8))) ?? .string(right)
            return .matching(path, equal: equal, value)
        }
        throw Invalid(description: "the filter \(text) is not supported")
    }

    private static func quoted(_ text: String) -> String? {
        guard text.count >= 2, let first = text.first, first == "'" || first == "\"", text.last == first else {
            return nil
        }
        return String(text.dropFirst().dropLast())
    }

    /// Everything that the path leads to, in order.
    func values(in json: JSON) -> [JSON] {
        var values = [json]
        for step in steps {
            var next: [JSON] = []
            for value in values {
                switch step {
                case .member(let name): if let member = value.object?[name] { next.append(member) }
                case .index(let index):
                    let items = value.items
                    let place = index < 0 ? items.count + index : index
                    if items.indices.contains(place) { next.append(items[place]) }
                case .all:
                    next += value.items
                    if let members = value.object { next += members.map(\.value) }
                case .matching(let path, let equal, let wanted):
                    next += value.items.filter { $0.at(path).isSame(as: wanted) == equal }
                }
            }
            values = next
        }
        return values
    }

    /// The names of a path that has nothing but members; nil for any other.
    var members: [String]? {
        var names: [String] = []
        for step in steps {
            guard case .member(let name) = step else { return nil }
            names.append(name)
        }
        return names
    }
}
