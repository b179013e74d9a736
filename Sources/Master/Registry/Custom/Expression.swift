import Shared

/// An expression of the Common Expression Language, as far as rules of custom resources commonly use it. What lies
/// outside is refused when the expression is read, never passed over.
/// Source: https://github.com/google/cel-spec, KEP-2876.
indirect enum Expression: Sendable, Equatable {
    case literal(JSON)
    case list([Expression])
    case map([(key: Expression, value: Expression)])
    case variable(String)
    case member(Expression, String)
    case index(Expression, Expression)
    /// `has(e.f)`.
    case has(Expression, String)
    case unary(String, Expression)
    case binary(String, Expression, Expression)
    case conditional(Expression, Expression, Expression)
    /// A function without receiver.
    case call(String, [Expression])
    /// A function on a value.
    case method(Expression, String, [Expression])
    /// `list.all(x, …)` and its like.
    case macro(Macro, over: Expression, variable: String, [Expression])

    enum Macro: String, Sendable { case all, exists, existsOne = "exists_one", map, filter }

    static func == (left: Expression, right: Expression) -> Bool {
        switch (left, right) {
        case (.literal(let a), .literal(let b)): a == b
        case (.variable(let a), .variable(let b)): a == b
        case (.member(let a, let x), .member(let b, let y)): a == b && x == y
        default: false
        }
    }

    /// Why an expression cannot be used.
    struct Invalid: Error, Equatable, CustomStringConvertible { let description: String }

    /// Functions without receiver and how many arguments they take.
    static let functions: [String: ClosedRange<Int>] = [
        "size": 1...1, "int": 1...1, "uint": 1...1, "double": 1...1, "string": 1...1, "bool": 1...1, "dyn": 1...1,
        "type": 1...1, "isQuantity": 1...1, "quantity": 1...1, "duration": 1...1, "timestamp": 1...1,
    ]
    /// Functions on a value and how many further arguments they take.
    static let methods: [String: ClosedRange<Int>] = [
        "size": 0...0, "startsWith": 1...1, "endsWith": 1...1, "contains": 1...1, "matches": 1...1,
        "lowerAscii": 0...0, "upperAscii": 0...0, "trim": 0...0, "indexOf": 1...1, "lastIndexOf": 1...1,
        "replace": 2...2, "split": 1...1, "join": 0...1, "substring": 1...2, "charAt": 1...1, "isSorted": 0...0,
        "sum": 0...0, "min": 0...0, "max": 0...0, "isGreaterThan": 1...1, "isLessThan": 1...1, "compareTo": 1...1,
    ]

    /// Whether the variable occurs where it is not bound by a macro.
    func mentions(_ name: String) -> Bool {
        switch self {
        case .literal: false
        case .list(let items): items.contains { $0.mentions(name) }
        case .map(let entries): entries.contains { $0.key.mentions(name) || $0.value.mentions(name) }
        case .variable(let variable): variable == name
        case .member(let inner, _), .has(let inner, _), .unary(_, let inner): inner.mentions(name)
        case .index(let left, let right), .binary(_, let left, let right): left.mentions(name) || right.mentions(name)
        case .conditional(let a, let b, let c): a.mentions(name) || b.mentions(name) || c.mentions(name)
        case .call(_, let arguments): arguments.contains { $0.mentions(name) }
        case .method(let inner, _, let arguments):
            inner.mentions(name) || arguments.contains { $0.mentions(name) }
        case .macro(_, let over, let variable, let bodies):
            over.mentions(name) || variable != name && bodies.contains { $0.mentions(name) }
        }
    }
}
