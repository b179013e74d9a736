import Shared

/// Reads the text of an `Expression`. Length and nesting are bounded.
struct ExpressionParser {
    private enum Token: Equatable {
        case identifier(String)
        case literal(JSON)
        /// An operator or a bracket.
        case mark(String)
        case end
    }
    static let lengthMax = 20_000
    private static let depthMax = 100

    private var tokens: [Token] = []
    private var position = 0
    private var depth = 0

    static func parse(_ text: String) throws(Expression.Invalid) -> Expression {
        guard text.utf8.count <= lengthMax else {
            throw Expression.Invalid(description: "the expression is longer than \(lengthMax) characters")
        }
        var parser = ExpressionParser()
        parser.tokens = try tokens(of: text)
        let expression = try parser.expression()
        guard parser.current == .end else { throw parser.unexpected() }
        return expression
    }

    private var current: Token { position < tokens.count ? tokens[position] : .end }
    private func unexpected() -> Expression.Invalid {
        let shown =
            switch current {
            case .identifier(let name): "'\(name)'"
            case .literal(let value): value.encodedText
            case .mark(let mark): "'\(mark)'"
            case .end: "the end"
            }
        return Expression.Invalid(description: "Syntax error: unexpected \(shown)")
    }
    private mutating func take(_ mark: String) -> Bool {
        guard current == .mark(mark) else { return false }
        position += 1
        return true
    }
    private mutating func expect(_ mark: String) throws(Expression.Invalid) {
        if !take(mark) { throw unexpected() }
    }

    // MARK: Grammar

    private mutating func expression() throws(Expression.Invalid) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= ExpressionParser.depthMax else {
            throw Expression.Invalid(description: "the expression nests too deeply")
        }
        let condition = try binary(0)
        guard take("?") else { return condition }
        let first = try binary(0)
        try expect(":")
        return .conditional(condition, first, try expression())
    }

    private static let levels: [[String]] = [
        ["||"], ["&&"], ["<", "<=", ">=", ">", "==", "!=", "in"], ["+", "-"], ["*", "/", "%"],
    ]

    private mutating func binary(_ level: Int) throws(Expression.Invalid) -> Expression {
        guard level < ExpressionParser.levels.count else { return try unary() }
        var left = try binary(level + 1)
        var count = 0
        while case .mark(let mark) = current, ExpressionParser.levels[level].contains(mark) {
            position += 1
            count += 1
            // A long chain makes a deep tree.
            guard count <= ExpressionParser.depthMax else {
                throw Expression.Invalid(description: "the expression chains too many operators")
            }
            left = .binary(mark, left, try binary(level + 1))
        }
        return left
    }

    private mutating func unary() throws(Expression.Invalid) -> Expression {
        var marks: [String] = []
        while case .mark(let mark) = current, mark == "!" || mark == "-" {
            position += 1
            marks.append(mark)
            guard marks.count <= ExpressionParser.depthMax else { throw unexpected() }
        }
        var result = try member()
        for mark in marks.reversed() {
            if mark == "-", case .literal(.int(let number)) = result {
                result = .literal(.int(0 &- number))
            } else if mark == "-", case .literal(.double(let number)) = result {
                result = .literal(.double(-number))
            } else {
                result = .unary(mark, result)
            }
        }
        return result
    }

    private mutating func member() throws(Expression.Invalid) -> Expression {
        var result = try primary()
        var count = 0
        while true {
            count += 1
            guard count <= ExpressionParser.depthMax else {
                throw Expression.Invalid(description: "the expression nests too deeply")
            }
            if take(".") {
                guard case .identifier(let name) = current else { throw unexpected() }
                position += 1
                result = take("(") ? try method(result, name) : .member(result, ExpressionParser.unescaped(name))
            } else if take("[") {
                let index = try expression()
                try expect("]")
                result = .index(result, index)
            } else {
                return result
            }
        }
    }

    private mutating func arguments(until mark: String) throws(Expression.Invalid) -> [Expression] {
        var result: [Expression] = []
        if take(mark) { return result }
        repeat {
            if current == .mark(mark), !result.isEmpty { break }
            result.append(try expression())
        } while take(",")
        try expect(mark)
        return result
    }

    private mutating func method(_ value: Expression, _ name: String) throws(Expression.Invalid) -> Expression {
        let arguments = try arguments(until: ")")
        if let macro = Expression.Macro(rawValue: name) {
            guard arguments.count == 2 || macro == .map && arguments.count == 3,
                case .variable(let variable) = arguments[0]
            else { throw Expression.Invalid(description: "invalid argument list for macro '\(name)'") }
            return .macro(macro, over: value, variable: variable, Array(arguments.dropFirst()))
        }
        guard let count = Expression.methods[name] else {
            throw Expression.Invalid(description: "undeclared reference to '\(name)': the function is not supported")
        }
        guard count.contains(arguments.count) else {
            throw Expression.Invalid(description: "found no matching overload for '\(name)'")
        }
        if name == "matches" { try ExpressionParser.check(pattern: arguments[0]) }
        return .method(value, name, arguments)
    }

    private static func check(pattern: Expression) throws(Expression.Invalid) {
        guard case .literal(.string(let text)) = pattern else { return }
        do { _ = try Pattern(text) } catch {
            throw Expression.Invalid(description: "invalid matches argument: error parsing regexp: \(error)")
        }
    }

    private mutating func primary() throws(Expression.Invalid) -> Expression {
        let token = current
        position += 1
        switch token {
        case .literal(let value): return .literal(value)
        case .mark("("):
            let inner = try expression()
            try expect(")")
            return inner
        case .mark("["): return .list(try arguments(until: "]"))
        case .mark("{"): return try map()
        case .identifier(let name):
            guard take("(") else { return .variable(name) }
            let arguments = try arguments(until: ")")
            if name == "has" {
                guard arguments.count == 1, case .member(let value, let field) = arguments[0] else {
                    throw Expression.Invalid(description: "invalid argument to has() macro")
                }
                return .has(value, field)
            }
            guard let count = Expression.functions[name] else {
                throw Expression.Invalid(
                    description: "undeclared reference to '\(name)': the function is not supported")
            }
            guard count.contains(arguments.count) else {
                throw Expression.Invalid(description: "found no matching overload for '\(name)'")
            }
            return .call(name, arguments)
        default:
            position -= 1
            throw unexpected()
        }
    }

    private mutating func map() throws(Expression.Invalid) -> Expression {
        var entries: [(key: Expression, value: Expression)] = []
        if take("}") { return .map(entries) }
        repeat {
            if current == .mark("}"), !entries.isEmpty { break }
            let key = try expression()
            try expect(":")
            entries.append((key, try expression()))
        } while take(",")
        try expect("}")
        return .map(entries)
    }

    // MARK: Tokens

    private static func tokens(of text: String) throws(Expression.Invalid) -> [Token] {
        let scalars = Array(text.unicodeScalars)
        var tokens: [Token] = []
        var position = 0
        while position < scalars.count {
            let scalar = scalars[position]
            if scalar.properties.isWhitespace {
                position += 1
            } else if scalar == "/", position + 1 < scalars.count, scalars[position + 1] == "/" {
                while position < scalars.count, scalars[position] != "\n" { position += 1 }
            } else if scalar == "\"" || scalar == "'" {
                tokens.append(.literal(.string(try string(scalars, &position, isRaw: false))))
            } else if scalar == "r" || scalar == "R", position + 1 < scalars.count,
                scalars[position + 1] == "\"" || scalars[position + 1] == "'"
            {
                position += 1
                tokens.append(.literal(.string(try string(scalars, &position, isRaw: true))))
            } else if scalar == "b" || scalar == "B", position + 1 < scalars.count,
                scalars[position + 1] == "\"" || scalars[position + 1] == "'"
            {
                throw Expression.Invalid(description: "literals of bytes are not supported")
            } else if isDigit(scalar) || scalar == "." && position + 1 < scalars.count && isDigit(scalars[position + 1])
            {
                tokens.append(.literal(try number(scalars, &position)))
            } else if scalar == "_" || scalar.isASCII && scalar.properties.isAlphabetic {
                let start = position
                while position < scalars.count, isWord(scalars[position]) { position += 1 }
                tokens.append(try word(name(scalars[start..<position])))
            } else if scalar == "`" {
                // A member name as it is, in backquotes.
                guard let end = scalars[(position + 1)...].firstIndex(of: "`") else {
                    throw Expression.Invalid(description: "Syntax error: missing closing `")
                }
                tokens.append(.identifier(name(scalars[(position + 1)..<end])))
                position = end + 1
            } else {
                tokens.append(.mark(try mark(scalars, &position)))
            }
        }
        return tokens
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool { ScalarSet.word.contains(scalar) }
    private static func name(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private static func word(_ name: String) throws(Expression.Invalid) -> Token {
        switch name {
        case "true": return .literal(true)
        case "false": return .literal(false)
        case "null": return .literal(.null)
        case "in": return .mark("in")
        case "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
            "namespace", "return", "var", "void", "while":
            throw Expression.Invalid(description: "Syntax error: reserved identifier: \(name)")
        default: return .identifier(name)
        }
    }

    private static func mark(
        _ scalars: [Unicode.Scalar], _ position: inout Int
    ) throws(Expression.Invalid) -> String {
        let two = name(scalars[position..<min(position + 2, scalars.count)])
        if ["&&", "||", "==", "!=", "<=", ">="].contains(two) {
            position += 2
            return two
        }
        let one = String(scalars[position])
        guard "()[]{}.,:?!<>+-*/%".contains(one) else {
            throw Expression.Invalid(description: "Syntax error: token recognition error at: '\(one)'")
        }
        position += 1
        return one
    }

    private static func number(
        _ scalars: [Unicode.Scalar], _ position: inout Int
    ) throws(Expression.Invalid) -> JSON {
        let start = position
        if scalars[position] == "0", position + 1 < scalars.count, scalars[position + 1] == "x" {
            position += 2
            let first = position
            while position < scalars.count, scalars[position].properties.isASCIIHexDigit { position += 1 }
            guard let value = Int64(name(scalars[first..<position]), radix: 16) else {
                throw Expression.Invalid(description: "invalid int literal")
            }
            return .int(value)
        }
        var isDouble = false
        while position < scalars.count {
            let scalar = scalars[position]
            if scalar == "e" || scalar == "E" {
                isDouble = true
                if position + 1 < scalars.count, scalars[position + 1] == "-" || scalars[position + 1] == "+" {
                    position += 1
                }
            } else if scalar == "." {
                guard position + 1 < scalars.count, isDigit(scalars[position + 1]) else { break }
                isDouble = true
            } else if !isDigit(scalar) {
                break
            }
            position += 1
        }
        let text = name(scalars[start..<position])
        if isDouble {
            guard let value = Double(text) else { throw Expression.Invalid(description: "invalid double literal") }
            return .double(value)
        }
        if position < scalars.count, scalars[position] == "u" || scalars[position] == "U" { position += 1 }
        guard let value = Int64(text) else { throw Expression.Invalid(description: "invalid int literal") }
        return .int(value)
    }

    private static func string(
        _ scalars: [Unicode.Scalar], _ position: inout Int, isRaw: Bool
    ) throws(Expression.Invalid) -> String {
        let quote = scalars[position]
        let isTriple =
            position + 2 < scalars.count && scalars[position + 1] == quote && scalars[position + 2] == quote
        let width = isTriple ? 3 : 1
        position += width
        var result = String.UnicodeScalarView()
        while position < scalars.count {
            let scalar = scalars[position]
            if scalar == quote, scalars[position...].prefix(width).allSatisfy({ $0 == quote }),
                position + width <= scalars.count
            {
                position += width
                return String(result)
            }
            position += 1
            guard scalar == "\\", !isRaw else {
                if scalar == "\n", !isTriple { break }
                result.append(scalar)
                continue
            }
            result.append(try escape(scalars, &position))
        }
        throw Expression.Invalid(description: "Syntax error: a text is not closed")
    }

    private static func escape(
        _ scalars: [Unicode.Scalar], _ position: inout Int
    ) throws(Expression.Invalid) -> Unicode.Scalar {
        guard position < scalars.count else { throw Expression.Invalid(description: "Syntax error: open escape") }
        let scalar = scalars[position]
        position += 1
        let digits: Int
        switch scalar {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "a": return "\u{7}"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "v": return "\u{B}"
        case "\\", "\"", "'", "`", "?": return scalar
        case "x", "X": digits = 2
        case "u": digits = 4
        case "U": digits = 8
        default: throw Expression.Invalid(description: "Syntax error: unknown escape \\\(scalar)")
        }
        let end = min(position + digits, scalars.count)
        guard let value = UInt32(name(scalars[position..<end]), radix: 16), let found = Unicode.Scalar(value) else {
            throw Expression.Invalid(description: "Syntax error: unknown escape \\\(scalar)")
        }
        position = end
        return found
    }

    /// Member names that are no identifiers are written with words for what is special in them.
    /// Source: apiserver `cel.Unescape`.
    private static func unescaped(_ name: String) -> String {
        guard name.contains("__") else { return name }
        let reserved = [
            "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
            "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
        ]
        if let word = reserved.first(where: { name == "__\($0)__" }) { return word }
        var result = ""
        var rest = name[...]
        while !rest.isEmpty {
            if rest.hasPrefix("__underscores__") {
                result += "__"
                rest = rest.dropFirst(15)
            } else if rest.hasPrefix("__dash__") {
                result += "-"
                rest = rest.dropFirst(8)
            } else if rest.hasPrefix("__dot__") {
                result += "."
                rest = rest.dropFirst(7)
            } else if rest.hasPrefix("__slash__") {
                result += "/"
                rest = rest.dropFirst(9)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
