import Shared

/// Finds out before an expression is ever used whether its names exist and its types can fit.
/// What the schema does not tell is taken to fit.
struct ExpressionCheck {
    /// What is known of a value.
    private indirect enum Known {
        case anything
        case bool, number, text, null
        case list(Known)
        case map
        case schema(StructuralSchema, isObject: Bool)

        /// `bool`, `string`, …; nil when not known.
        var name: String? {
            switch self {
            case .anything: nil
            case .bool: "bool"
            case .number: "number"
            case .text: "string"
            case .null: "null"
            case .list: "list"
            case .map: "map"
            case .schema(let schema, _):
                switch schema.type {
                case "boolean": "bool"
                case "integer", "number": "number"
                case "string": "string"
                case "array": "list"
                case "object": "map"
                default: nil
                }
            }
        }
    }

    /// - Parameter result: `bool` or `string`.
    static func check(
        _ expression: Expression, self schema: StructuralSchema, isObject: Bool, result: String
    ) throws(Expression.Invalid) {
        let known = Known.schema(schema, isObject: isObject)
        let found = try type(of: expression, ["self": known, "oldSelf": known])
        if let name = found.name, name != result {
            throw Expression.Invalid(description: "must evaluate to \(result == "bool" ? "a bool" : "a string")")
        }
    }

    private static func type(
        of expression: Expression, _ variables: [String: Known]
    ) throws(Expression.Invalid) -> Known {
        switch expression {
        case .literal(let value):
            switch value {
            case .bool: return .bool
            case .int, .double: return .number
            case .string: return .text
            case .null: return .null
            default: return .anything
            }
        case .list(let items):
            var item = Known.anything
            for element in items { item = try type(of: element, variables) }
            return .list(items.isEmpty ? .anything : item)
        case .map(let entries):
            for (key, value) in entries {
                _ = try type(of: key, variables)
                _ = try type(of: value, variables)
            }
            return .map
        case .variable(let name):
            guard let known = variables[name] else {
                throw Expression.Invalid(description: "undeclared reference to '\(name)'")
            }
            return known
        case .member(let inner, let name): return try member(name, of: try type(of: inner, variables))
        case .has(let inner, let name):
            _ = try member(name, of: try type(of: inner, variables))
            return .bool
        case .index(let inner, let index):
            _ = try type(of: index, variables)
            return element(of: try type(of: inner, variables))
        case .unary(let mark, let inner):
            let known = try type(of: inner, variables)
            try expect(known, mark == "!" ? "bool" : "number", mark == "!" ? "!_" : "-_")
            return mark == "!" ? .bool : .number
        case .binary(let mark, let left, let right):
            return try binary(mark, try type(of: left, variables), try type(of: right, variables))
        case .conditional(let condition, let first, let second):
            try expect(try type(of: condition, variables), "bool", "_?_:_")
            let one = try type(of: first, variables)
            let two = try type(of: second, variables)
            return one.name == two.name ? one : .anything
        case .call(let name, let arguments):
            for argument in arguments { _ = try type(of: argument, variables) }
            switch name {
            case "size", "int", "uint", "double", "timestamp", "duration": return .number
            case "string", "type": return .text
            case "bool", "isQuantity": return .bool
            default: return .anything
            }
        case .method(let receiver, let name, let arguments):
            let known = try type(of: receiver, variables)
            for argument in arguments { _ = try type(of: argument, variables) }
            if [
                "startsWith", "endsWith", "contains", "matches", "lowerAscii", "upperAscii", "trim", "replace", "split",
                "substring", "charAt",
            ].contains(name) {
                try expect(known, "string", name)
            }
            switch name {
            case "size", "indexOf", "lastIndexOf", "compareTo": return .number
            case "startsWith", "endsWith", "contains", "matches", "isSorted", "isGreaterThan", "isLessThan":
                return .bool
            case "split": return .list(.text)
            case "lowerAscii", "upperAscii", "trim", "replace", "join", "substring", "charAt": return .text
            default: return .anything
            }
        case .macro(let macro, let over, let variable, let bodies):
            let known = try type(of: over, variables)
            if let name = known.name, name != "list", name != "map" {
                throw Expression.Invalid(
                    description:
                        "expression of type '\(name)' cannot be range of a comprehension (must be list, map, or dynamic)"
                )
            }
            var inner = variables
            inner[variable] = known.name == "map" ? .text : element(of: known)
            var last = Known.anything
            for (index, body) in bodies.enumerated() {
                last = try type(of: body, inner)
                if macro != .map || (bodies.count == 2 && index == 0) { try expect(last, "bool", macro.rawValue) }
            }
            switch macro {
            case .all, .exists, .existsOne: return .bool
            case .filter: return known.name == "map" ? .list(.text) : known
            case .map: return .list(last)
            }
        }
    }

    private static func expect(_ known: Known, _ wanted: String, _ function: String) throws(Expression.Invalid) {
        guard let name = known.name, name != wanted else { return }
        throw Expression.Invalid(
            description: "found no matching overload for '\(function)' applied to '\(name)'")
    }

    private static func member(_ name: String, of known: Known) throws(Expression.Invalid) -> Known {
        switch known {
        case .schema(let schema, let isObject):
            guard schema.type == "object" || schema.type.isEmpty else {
                throw Expression.Invalid(description: "type '\(schema.type)' does not support field selection")
            }
            if isObject || schema.isEmbedded, StructuralSchema.embeddedKeys.contains(name) {
                return name == "metadata" ? .anything : .text
            }
            if let member = schema.member(name) { return .schema(member, isObject: member.isEmbedded) }
            if case .any = schema.others { return .anything }
            // Fields that are kept without being known cannot be used, as in Kubernetes.
            throw Expression.Invalid(description: "undefined field '\(name)'")
        case .anything, .map: return .anything
        default:
            throw Expression.Invalid(
                description: "type '\(known.name ?? "")' does not support field selection")
        }
    }

    private static func element(of known: Known) -> Known {
        switch known {
        case .list(let item): return item
        case .schema(let schema, _):
            if let items = schema.items { return .schema(items, isObject: items.isEmbedded) }
            if case .schema(let value) = schema.others { return .schema(value, isObject: value.isEmbedded) }
            return .anything
        default: return .anything
        }
    }

    private static func binary(_ mark: String, _ left: Known, _ right: Known) throws(Expression.Invalid) -> Known {
        func mismatch() -> Expression.Invalid {
            Expression.Invalid(
                description:
                    "found no matching overload for '_\(mark)_' applied to '(\(left.name ?? "dyn"), \(right.name ?? "dyn"))'"
            )
        }
        switch mark {
        case "&&", "||":
            try expect(left, "bool", "_\(mark)_")
            try expect(right, "bool", "_\(mark)_")
            return .bool
        case "==", "!=", "<", "<=", ">", ">=":
            if let one = left.name, let two = right.name, one != two, one != "null", two != "null" { throw mismatch() }
            return .bool
        case "in":
            if let name = right.name, name != "list", name != "map" { throw mismatch() }
            return .bool
        default:
            if let one = left.name, let two = right.name, one != two { throw mismatch() }
            let name = left.name ?? right.name
            if name == nil { return .anything }
            if name == "number" { return .number }
            guard mark == "+" else { throw mismatch() }
            if name == "string" { return .text }
            guard name == "list" else { throw mismatch() }
            return left.name == nil ? right : left
        }
    }
}
