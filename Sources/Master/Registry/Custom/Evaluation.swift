import Shared

/// Computes expressions on values. Bounded in steps, so that no rule can hold the server up.
struct Evaluation {
    struct Failure: Error, Equatable, CustomStringConvertible { let description: String }
    /// Steps that all rules of one request may take together; beyond it no more are checked, and the request is refused.
    static let stepsMax = 1_000_000

    private(set) var stepsLeft: Int

    init(steps: Int = stepsMax) { stepsLeft = steps }

    mutating func value(_ expression: Expression, _ variables: [String: JSON]) throws(Failure) -> JSON {
        try spend(1)
        switch expression {
        case .literal(let value): return value
        case .list(let items):
            var result: [JSON] = []
            for item in items { result.append(try value(item, variables)) }
            return .array(result)
        case .map(let entries):
            var result = JSON.Members()
            for (key, entry) in entries {
                guard case .string(let name) = try value(key, variables) else {
                    throw Failure(description: "only texts can be keys of a map here")
                }
                result.set(name, try value(entry, variables))
            }
            return .object(result)
        case .variable(let name):
            guard let value = variables[name] else { throw Failure(description: "undeclared reference to '\(name)'") }
            return value
        case .member(let inner, let name): return try Evaluation.member(name, of: try value(inner, variables))
        case .has(let inner, let name):
            guard case .object(let members) = try value(inner, variables) else {
                throw Failure(description: "no such overload")
            }
            return .bool(members[name] != nil)
        case .index(let inner, let index):
            return try Evaluation.item(try value(index, variables), of: try value(inner, variables))
        case .unary(let mark, let inner): return try Evaluation.unary(mark, try value(inner, variables))
        case .binary(let mark, let left, let right):
            if mark == "&&" || mark == "||" { return try logical(left, right, stops: mark == "||", variables) }
            return try binary(mark, try value(left, variables), try value(right, variables))
        case .conditional(let condition, let first, let second):
            guard case .bool(let holds) = try value(condition, variables) else {
                throw Failure(description: "no such overload")
            }
            return try value(holds ? first : second, variables)
        case .call(let name, let arguments):
            var values: [JSON] = []
            for argument in arguments { values.append(try value(argument, variables)) }
            return try call(name, values)
        case .method(let receiver, let name, let arguments):
            let receiver = try value(receiver, variables)
            var values: [JSON] = []
            for argument in arguments { values.append(try value(argument, variables)) }
            return try method(name, receiver, values)
        case .macro(let macro, let over, let variable, let bodies):
            return try run(macro, try value(over, variables), variable, bodies, variables)
        }
    }

    private mutating func spend(_ steps: Int) throws(Failure) {
        stepsLeft -= max(1, steps)
        if stepsLeft < 0 { throw Failure(description: "operation cancelled: actual cost limit exceeded") }
    }

    /// `&&` and `||` hold whatever the other side is, if one side says so; even when the other side fails.
    private mutating func logical(
        _ left: Expression, _ right: Expression, stops: Bool, _ variables: [String: JSON]
    ) throws(Failure) -> JSON {
        var failure: Failure?
        for side in [left, right] {
            do throws(Failure) {
                guard case .bool(let holds) = try value(side, variables) else {
                    throw Failure(description: "no such overload")
                }
                if holds == stops { return .bool(stops) }
            } catch {
                if stepsLeft < 0 { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return .bool(!stops)
    }

    // MARK: Members

    private static func member(_ name: String, of value: JSON) throws(Failure) -> JSON {
        guard case .object(let members) = value else { throw Failure(description: "no such overload") }
        guard let member = members[name] else { throw Failure(description: "no such key: \(name)") }
        return member
    }

    private static func item(_ index: JSON, of value: JSON) throws(Failure) -> JSON {
        switch (value, index) {
        case (.array(let items), _):
            guard let place = index.int else { throw Failure(description: "no such overload") }
            guard items.indices.contains(place) else { throw Failure(description: "index out of bounds: \(place)") }
            return items[place]
        case (.object, .string(let name)): return try member(name, of: value)
        default: throw Failure(description: "no such overload")
        }
    }

    // MARK: Macros

    private mutating func run(
        _ macro: Expression.Macro, _ over: JSON, _ variable: String, _ bodies: [Expression],
        _ variables: [String: JSON]
    ) throws(Failure) -> JSON {
        let items: [JSON]
        switch over {
        case .array(let list): items = list
        case .object(let members): items = members.sorted().map { .string($0.key) }
        default: throw Failure(description: "no such overload")
        }
        var inner = variables
        var matches = 0
        var result: [JSON] = []
        var failure: Failure?
        guard let first = bodies.first else { throw Failure(description: "no such overload") }
        for item in items {
            inner[variable] = item
            do throws(Failure) {
                if macro == .map, bodies.count == 1 {
                    result.append(try value(first, inner))
                    continue
                }
                guard case .bool(let holds) = try value(first, inner) else {
                    throw Failure(description: "no such overload")
                }
                switch macro {
                case .all: if !holds { return false }
                case .exists: if holds { return true }
                case .existsOne: matches += holds ? 1 : 0
                case .filter: if holds { result.append(item) }
                case .map: if holds, bodies.count == 2 { result.append(try value(bodies[1], inner)) }
                }
            } catch {
                // A later item may decide all the same.
                guard stepsLeft >= 0, macro == .all || macro == .exists else { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        switch macro {
        case .all: return true
        case .exists: return false
        case .existsOne: return .bool(matches == 1)
        case .map, .filter: return .array(result)
        }
    }

    // MARK: Operators

    private static func unary(_ mark: String, _ value: JSON) throws(Failure) -> JSON {
        switch (mark, value) {
        case ("!", .bool(let flag)): return .bool(!flag)
        case ("-", .int(let number)):
            let (result, overflow) = Int64(0).subtractingReportingOverflow(number)
            if overflow { throw Failure(description: "integer overflow") }
            return .int(result)
        case ("-", .double(let number)): return .double(-number)
        default: throw Failure(description: "no such overload")
        }
    }

    private mutating func binary(_ mark: String, _ left: JSON, _ right: JSON) throws(Failure) -> JSON {
        switch mark {
        case "==": return .bool(try same(left, right))
        case "!=": return .bool(!(try same(left, right)))
        case "<", "<=", ">", ">=":
            let order = try Evaluation.order(left, right)
            return switch mark {
            case "<": .bool(order < 0)
            case "<=": .bool(order <= 0)
            case ">": .bool(order > 0)
            default: .bool(order >= 0)
            }
        case "in":
            switch right {
            case .array(let items):
                try spend(items.count)
                return .bool(items.contains { $0.isSame(as: left) })
            case .object(let members):
                guard case .string(let name) = left else { throw Failure(description: "no such overload") }
                return .bool(members[name] != nil)
            default: throw Failure(description: "no such overload")
            }
        default: return try arithmetic(mark, left, right)
        }
    }

    private mutating func same(_ left: JSON, _ right: JSON) throws(Failure) -> Bool {
        if case .string(let text) = left { try spend(text.utf8.count / 10) }
        if case .array(let items) = left { try spend(items.count) }
        if case .object(let members) = left { try spend(members.count) }
        return left.isSame(as: right)
    }

    /// Below 0 when `left` comes first.
    private static func order(_ left: JSON, _ right: JSON) throws(Failure) -> Int {
        switch (left, right) {
        case (.int(let a), .int(let b)): return a < b ? -1 : a > b ? 1 : 0
        case (.string(let a), .string(let b)):
            if a == b { return 0 }
            return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars) ? -1 : 1
        case (.bool(let a), .bool(let b)): return a == b ? 0 : a ? 1 : -1
        default:
            guard let a = left.double, let b = right.double else { throw Failure(description: "no such overload") }
            return a < b ? -1 : a > b ? 1 : 0
        }
    }

    private mutating func arithmetic(_ mark: String, _ left: JSON, _ right: JSON) throws(Failure) -> JSON {
        switch (left, right) {
        case (.int(let a), .int(let b)):
            let result: (Int64, Bool)
            switch mark {
            case "+": result = a.addingReportingOverflow(b)
            case "-": result = a.subtractingReportingOverflow(b)
            case "*": result = a.multipliedReportingOverflow(by: b)
            case "/", "%":
                if b == 0 { throw Failure(description: mark == "/" ? "division by zero" : "modulus by zero") }
                result = mark == "/" ? a.dividedReportingOverflow(by: b) : a.remainderReportingOverflow(dividingBy: b)
            default: throw Failure(description: "no such overload")
            }
            if result.1 { throw Failure(description: "integer overflow") }
            return .int(result.0)
        case (.double(let a), .double(let b)):
            switch mark {
            case "+": return .double(a + b)
            case "-": return .double(a - b)
            case "*": return .double(a * b)
            case "/": return .double(a / b)
            default: throw Failure(description: "no such overload")
            }
        case (.string(let a), .string(let b)) where mark == "+":
            try spend((a.utf8.count + b.utf8.count) / 10)
            return .string(a + b)
        case (.array(let a), .array(let b)) where mark == "+":
            try spend(a.count + b.count)
            return .array(a + b)
        default: throw Failure(description: "no such overload")
        }
    }

    // MARK: Functions

    private mutating func call(_ name: String, _ arguments: [JSON]) throws(Failure) -> JSON {
        let value = arguments.first ?? .null
        switch name {
        case "size": return try Evaluation.size(value)
        case "dyn": return value
        case "int", "uint":
            switch value {
            case .int(let number) where name == "int" || number >= 0: return value
            case .double(let number):
                guard let whole = Int64(exactly: number.rounded(.towardZero)) else {
                    throw Failure(description: "integer overflow")
                }
                return .int(whole)
            case .string(let text):
                guard let number = Int64(text) else { throw Failure(description: "strconv.ParseInt: invalid syntax") }
                return .int(number)
            default: throw Failure(description: "no such overload")
            }
        case "double":
            if let number = value.double { return .double(number) }
            guard case .string(let text) = value, let number = Double(text) else {
                throw Failure(description: "no such overload")
            }
            return .double(number)
        case "string":
            switch value {
            case .string: return value
            case .int, .double, .bool: return .string(value.encodedText)
            default: throw Failure(description: "no such overload")
            }
        case "bool":
            switch value {
            case .bool: return value
            case .string("true"), .string("True"), .string("1"), .string("t"): return true
            case .string("false"), .string("False"), .string("0"), .string("f"): return false
            default: throw Failure(description: "type conversion error from 'string' to 'bool'")
            }
        case "type": return .string(Evaluation.type(of: value))
        case "isQuantity":
            guard case .string(let text) = value else { throw Failure(description: "no such overload") }
            return .bool(Quantity(text) != nil)
        case "quantity":
            guard case .string(let text) = value, let quantity = Quantity(text) else {
                throw Failure(description: "quantities must match the regular expression")
            }
            return Evaluation.opaque("quantity", quantity.double)
        case "duration":
            guard case .string(let text) = value, let duration = Duration(parsing: text) else {
                throw Failure(description: "type conversion error from 'string' to 'google.protobuf.Duration'")
            }
            return .double(duration.inSeconds)
        case "timestamp":
            guard case .string(let text) = value, let time = Timestamp(rfc3339: text) else {
                throw Failure(description: "type conversion error from 'string' to 'google.protobuf.Timestamp'")
            }
            return .int(time.nanoseconds)
        default: throw Failure(description: "no such overload")
        }
    }

    private static func type(of value: JSON) -> String {
        switch value {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .double: "double"
        case .string: "string"
        case .array: "list"
        case .object: "map"
        }
    }

    /// A value that only methods can look into.
    private static func opaque(_ kind: String, _ number: Double) -> JSON { [" \(kind)": .double(number)] }

    private static func size(_ value: JSON) throws(Failure) -> JSON {
        switch value {
        case .string(let text): JSON(text.unicodeScalars.count)
        case .array(let items): JSON(items.count)
        case .object(let members): JSON(members.count)
        default: throw Failure(description: "no such overload")
        }
    }

    private mutating func method(_ name: String, _ receiver: JSON, _ arguments: [JSON]) throws(Failure) -> JSON {
        if name == "size" { return try Evaluation.size(receiver) }
        switch receiver {
        case .string(let text):
            try spend(text.utf8.count / 10)
            return try method(name, of: text, arguments)
        case .array(let items):
            try spend(items.count)
            return try method(name, of: items, arguments)
        default:
            if let left = receiver[" quantity"].double, let right = arguments.first?[" quantity"].double {
                switch name {
                case "isGreaterThan": return .bool(left > right)
                case "isLessThan": return .bool(left < right)
                case "compareTo": return .int(left < right ? -1 : left > right ? 1 : 0)
                default: break
                }
            }
            throw Failure(description: "no such overload")
        }
    }

    private mutating func method(_ name: String, of text: String, _ arguments: [JSON]) throws(Failure) -> JSON {
        func string(_ index: Int) throws(Failure) -> String {
            guard arguments.indices.contains(index), case .string(let value) = arguments[index] else {
                throw Failure(description: "no such overload")
            }
            return value
        }
        func place(_ index: Int) throws(Failure) -> Int {
            guard arguments.indices.contains(index), let value = arguments[index].int else {
                throw Failure(description: "no such overload")
            }
            return value
        }
        let scalars = Array(text.unicodeScalars)
        func part(_ from: Int, _ end: Int) throws(Failure) -> JSON {
            guard from >= 0, from <= end, end <= scalars.count else {
                throw Failure(description: "index out of range: \(from)")
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[from..<end])
            return .string(String(view))
        }
        switch name {
        case "startsWith": return .bool(text.hasPrefix(try string(0)))
        case "endsWith": return .bool(text.hasSuffix(try string(0)))
        case "contains": return .bool(text.contains(try string(0)))
        case "matches":
            let pattern: Pattern
            do throws(Pattern.Invalid) { pattern = try Pattern(try string0(arguments)) } catch {
                throw Failure(description: "error parsing regexp: \(error)")
            }
            try spend(text.utf8.count)
            return .bool(pattern.occurs(in: text))
        case "lowerAscii": return .string(text.lowercased())
        case "upperAscii": return .string(text.uppercased())
        case "trim": return .string(text.trimmingSpaces)
        case "indexOf", "lastIndexOf":
            let wanted = Array(try string(0).unicodeScalars)
            guard wanted.count <= scalars.count else { return -1 }
            try spend(scalars.count)
            let starts = 0...(scalars.count - wanted.count)
            let isAt: (Int) -> Bool = { scalars[$0..<($0 + wanted.count)].elementsEqual(wanted) }
            return JSON(name == "indexOf" ? starts.first(where: isAt) ?? -1 : starts.last(where: isAt) ?? -1)
        case "replace": return .string(text.replacing(try string(0), with: try string(1)))
        case "split":
            let separator = try string(0)
            if separator.isEmpty { return .array(text.map { .string(String($0)) }) }
            return .array(
                text.split(separator: separator, omittingEmptySubsequences: false).map { .string(String($0)) })
        case "substring":
            let from = try place(0)
            if arguments.count == 1 { return try part(from, scalars.count) }
            return try part(from, try place(1))
        case "charAt":
            let index = try place(0)
            if index == scalars.count { return "" }
            guard scalars.indices.contains(index) else { throw Failure(description: "index out of range: \(index)") }
            return try part(index, index + 1)
        default: throw Failure(description: "no such overload")
        }
    }

    private func string0(_ arguments: [JSON]) throws(Pattern.Invalid) -> String {
        guard let text = arguments.first?.string else { throw Pattern.Invalid(description: "no such overload") }
        return text
    }

    private mutating func method(_ name: String, of items: [JSON], _ arguments: [JSON]) throws(Failure) -> JSON {
        switch name {
        case "join":
            let separator = arguments.first?.string ?? ""
            var texts: [String] = []
            for item in items {
                guard case .string(let text) = item else { throw Failure(description: "no such overload") }
                texts.append(text)
            }
            return .string(texts.joined(separator: separator))
        case "isSorted":
            for (left, right) in zip(items, items.dropFirst()) {
                if try Evaluation.order(left, right) > 0 { return false }
            }
            return true
        case "sum":
            var sum: JSON = .int(0)
            for item in items { sum = try arithmetic("+", sum, item) }
            return sum
        case "min", "max":
            guard var best = items.first else { throw Failure(description: "\(name) called on empty list") }
            for item in items.dropFirst() {
                let order = try Evaluation.order(item, best)
                if name == "min" ? order < 0 : order > 0 { best = item }
            }
            return best
        case "indexOf", "lastIndexOf":
            guard let wanted = arguments.first else { throw Failure(description: "no such overload") }
            let isIt: (JSON) -> Bool = { $0.isSame(as: wanted) }
            return JSON(name == "indexOf" ? items.firstIndex(where: isIt) ?? -1 : items.lastIndex(where: isIt) ?? -1)
        default: throw Failure(description: "no such overload")
        }
    }
}
