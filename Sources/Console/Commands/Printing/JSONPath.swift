import Shared

/// A template of kubectl's JSONPath: `{.items[*].metadata.name}`, `{range .items[*]}{.a}{"\n"}{end}`. A value, pure.
///
/// Understood: members, `['name']`, indexes and slices (negative ones count from the end), `*`, `..`, unions of names or
/// indexes, filters `?(@.a=="x")` with == != < <= > >= and existence, `range`/`end`, literals.
/// Source: kubernetes.io/docs/reference/kubectl/jsonpath.
struct JSONPath: Sendable, Equatable {
    indirect enum Step: Sendable, Equatable {
        case member(String)
        case members([String])
        case every
        case descend
        case indexes([Int])
        case slice(Int?, Int?, Int)
        case filter([Step], Comparison?, Operand)
    }
    enum Comparison: String, Sendable, Equatable, CaseIterable {
        case equal = "==", different = "!=", atMost = "<=", atLeast = ">=", less = "<", more = ">"
    }
    enum Operand: Sendable, Equatable {
        case value(JSON)
        case path([Step])
        case nothing
    }
    enum Part: Sendable, Equatable {
        case text(String)
        case path([Step])
        case range([Step], [Part])
    }
    let parts: [Part]

    /// - Throws: one sentence that says what can not be read.
    init(_ template: String) throws(Failure) {
        var scanner = JSONPathScanner(template)
        parts = try scanner.parts(isInRange: false)
    }

    /// A single path with or without braces, as `--sort-by` and custom columns take it.
    init(path: String) throws(Failure) {
        var path = path
        if !path.hasPrefix("{") {
            if !path.hasPrefix("."), !path.hasPrefix("[") { path = "." + path }
            path = "{\(path)}"
        }
        try self.init(path)
    }

    func text(_ root: JSON) -> String { JSONPath.text(parts, root) }

    /// What each part of the template finds, as a list of JSON of its own.
    func lists(_ root: JSON) -> String { JSONPath.lists(parts, root).map { $0.pretty() + "\n" }.joined() }

    private static func lists(_ parts: [Part], _ root: JSON) -> [JSON] {
        parts.flatMap { part -> [JSON] in
            switch part {
            case .text(let text): [.array([.string(text)])]
            case .path(let steps): [.array(values(steps, [root]).map(\.sorted))]
            case .range(let steps, let body): values(steps, [root]).flatMap { lists(body, $0) }
            }
        }
    }

    /// The values of the template's first path.
    func values(_ root: JSON) -> [JSON] {
        for case .path(let steps) in parts { return JSONPath.values(steps, [root]) }
        return []
    }

    private static func text(_ parts: [Part], _ root: JSON) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .path(let steps): values(steps, [root]).map(plain).joined(separator: " ")
            case .range(let steps, let body): values(steps, [root]).map { text(body, $0) }.joined()
            }
        }.joined()
    }

    /// Strings as they are, everything else as JSON.
    static func plain(_ value: JSON) -> String { value.string ?? (value.isNull ? "" : value.sorted.text) }

    static func values(_ steps: [Step], _ roots: [JSON]) -> [JSON] {
        var values = roots
        for step in steps { values = values.flatMap { apply(step, $0) } }
        return values
    }

    private static func apply(_ step: Step, _ value: JSON) -> [JSON] {
        switch step {
        case .member(let name): return value.object?[name].map { [$0] } ?? []
        case .members(let names): return names.compactMap { value.object?[$0] }
        case .every: return value.array ?? value.members.map(\.value)
        case .descend: return descendants(value)
        case .indexes(let indexes):
            let items = value.items
            return indexes.compactMap { index in
                let place = index < 0 ? items.count + index : index
                return items.indices.contains(place) ? items[place] : nil
            }
        case .slice(let from, let to, let stride):
            let items = value.items
            func place(_ index: Int) -> Int {
                min(max(0, index < 0 ? items.count + max(index, -items.count) : index), items.count)
            }
            let start = place(from ?? 0), end = place(to ?? items.count)
            return start < end ? Swift.stride(from: start, to: end, by: stride).map { items[$0] } : []
        case .filter(let path, let comparison, let operand):
            return (value.array ?? value.members.map(\.value)).filter { holds($0, path, comparison, operand) }
        }
    }

    private static func descendants(_ value: JSON) -> [JSON] {
        [value] + (value.array ?? value.members.map(\.value)).flatMap(descendants)
    }

    private static func holds(_ item: JSON, _ path: [Step], _ comparison: Comparison?, _ operand: Operand) -> Bool {
        let left = values(path, [item]).first
        guard let comparison else { return left != nil }
        let right: JSON?
        switch operand {
        case .value(let value): right = value
        case .path(let steps): right = values(steps, [item]).first
        case .nothing: right = nil
        }
        guard let left, let right else { return comparison == .different && (left == nil) != (right == nil) }
        switch comparison {
        case .equal: return same(left, right)
        case .different: return !same(left, right)
        case .less:
            return order(left, right) {
                $0 < $1
            } text: {
                $0 < $1
            }
        case .atMost:
            return order(left, right) {
                $0 <= $1
            } text: {
                $0 <= $1
            }
        case .more:
            return order(left, right) {
                $0 > $1
            } text: {
                $0 > $1
            }
        case .atLeast:
            return order(left, right) {
                $0 >= $1
            } text: {
                $0 >= $1
            }
        }
    }
    private static func same(_ left: JSON, _ right: JSON) -> Bool {
        if let left = left.double, let right = right.double { return left == right }
        return left == right
    }
    private static func order(
        _ left: JSON, _ right: JSON, _ numbers: (Double, Double) -> Bool, text: (String, String) -> Bool
    ) -> Bool {
        if let left = left.double, let right = right.double { return numbers(left, right) }
        if let left = left.string, let right = right.string { return text(left, right) }
        return false
    }
}

/// Reads a JSONPath template from its beginning to its end.
struct JSONPathScanner {
    private var rest: Substring
    private let whole: String
    private var depth = 0
    init(_ text: String) {
        whole = text
        rest = text[...]
    }

    private func failure(_ what: String) -> Failure {
        Failure("The JSONPath \(whole) can not be read: \(what); an example is {.items[*].metadata.name}")
    }

    mutating func parts(isInRange: Bool) throws(Failure) -> [JSONPath.Part] {
        var parts: [JSONPath.Part] = []
        depth += 1
        guard depth < 32 else { throw failure("it is nested too deeply") }
        defer { depth -= 1 }
        while !rest.isEmpty {
            if rest.first != "{" {
                let text = rest.prefix { $0 != "{" }
                rest = rest.dropFirst(text.count)
                parts.append(.text(String(text)))
                continue
            }
            rest.removeFirst()
            skipSpaces()
            if rest.hasPrefix("end"), rest.dropFirst(3).drop(while: { $0 == " " }).first == "}" {
                rest = rest.drop { $0 != "}" }.dropFirst()
                guard isInRange else { throw failure("{end} has no {range}") }
                return parts
            }
            if rest.hasPrefix("range ") {
                rest = rest.dropFirst(6)
                skipSpaces()
                let steps = try path()
                try close()
                parts.append(.range(steps, try self.parts(isInRange: true)))
                continue
            }
            while rest.first != "}" {
                guard let first = rest.first else { throw failure("a closing } is missing") }
                if first == "\"" || first == "'" {
                    parts.append(.text(try quoted()))
                } else {
                    parts.append(.path(try path()))
                }
                skipSpaces()
            }
            rest.removeFirst()
        }
        if isInRange { throw failure("{end} is missing") }
        return parts
    }

    private mutating func close() throws(Failure) {
        skipSpaces()
        guard rest.popFirst() == "}" else { throw failure("a closing } is missing") }
    }
    private mutating func skipSpaces() { rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\n" } }

    private mutating func quoted() throws(Failure) -> String {
        guard let mark = rest.popFirst() else { throw failure("a text is missing") }
        var text = ""
        while let next = rest.popFirst() {
            if next == mark { return text }
            guard next == "\\" else {
                text.append(next)
                continue
            }
            switch rest.popFirst() {
            case "n": text.append("\n")
            case "t": text.append("\t")
            case "r": text.append("\r")
            case let other?: text.append(other)
            case nil: break
            }
        }
        throw failure("a quotation mark is missing")
    }

    private mutating func path() throws(Failure) -> [JSONPath.Step] {
        var steps: [JSONPath.Step] = []
        if rest.first == "$" || rest.first == "@" { rest.removeFirst() }
        while let next = rest.first {
            switch next {
            case "." where rest.hasPrefix(".."):
                rest = rest.dropFirst(rest.hasPrefix("..[") ? 2 : 1)
                steps.append(.descend)
            case ".":
                rest.removeFirst()
                if rest.first == "*" {
                    rest.removeFirst()
                    steps.append(.every)
                } else if rest.first != "[" {
                    let name = try name()
                    if !name.isEmpty { steps.append(.member(name)) }
                }
            case "[":
                rest.removeFirst()
                steps.append(try brackets())
            case "}", " ", ")", "=", "!", "<", ">", "]", ",": return steps
            default:
                guard steps.isEmpty else { throw failure("\"\(next)\" is not expected") }
                steps.append(.member(try name()))
            }
        }
        return steps
    }

    private mutating func name() throws(Failure) -> String {
        var name = ""
        while let next = rest.first {
            if next == "\\" {
                rest.removeFirst()
                if let escaped = rest.popFirst() { name.append(escaped) }
                continue
            }
            guard !"[]{}. ()=!<>,'\"".contains(next) else { break }
            name.append(next)
            rest.removeFirst()
        }
        return name
    }

    private mutating func brackets() throws(Failure) -> JSONPath.Step {
        skipSpaces()
        if rest.hasPrefix("?(") {
            rest = rest.dropFirst(2)
            return try filter()
        }
        if rest.first == "'" || rest.first == "\"" {
            var names = [try quoted()]
            skipSpaces()
            while rest.first == "," {
                rest.removeFirst()
                skipSpaces()
                names.append(try quoted())
                skipSpaces()
            }
            guard rest.popFirst() == "]" else { throw failure("a closing ] is missing") }
            return names.count == 1 ? .member(names[0]) : .members(names)
        }
        let inside = rest.prefix { $0 != "]" }
        rest = rest.dropFirst(inside.count)
        guard rest.popFirst() == "]" else { throw failure("a closing ] is missing") }
        if inside == "*" { return .every }
        if inside.contains(":") {
            let bounds = inside.split(separator: ":", omittingEmptySubsequences: false)
            let numbers = bounds.map { Int($0) }
            guard bounds.count <= 3, zip(bounds, numbers).allSatisfy({ $0.isEmpty || $1 != nil }) else {
                throw failure("[\(inside)] is no slice")
            }
            let stride = numbers.count == 3 ? numbers[2] ?? 1 : 1
            guard stride > 0 else { throw failure("a slice goes forward") }
            return .slice(numbers[0], numbers[1], stride)
        }
        let indexes = inside.split(separator: ",").map { Int($0.trimmingSpaces) }
        guard !indexes.isEmpty, indexes.allSatisfy({ $0 != nil }) else { throw failure("[\(inside)] is no index") }
        return .indexes(indexes.compactMap { $0 })
    }

    private mutating func filter() throws(Failure) -> JSONPath.Step {
        skipSpaces()
        guard rest.first == "@" else { throw failure("a filter begins with @") }
        let left = try path()
        skipSpaces()
        var comparison: JSONPath.Comparison?
        var operand = JSONPath.Operand.nothing
        if let found = JSONPath.Comparison.allCases.first(where: { rest.hasPrefix($0.rawValue) }) {
            rest = rest.dropFirst(found.rawValue.count)
            skipSpaces()
            comparison = found
            if rest.first == "'" || rest.first == "\"" {
                operand = .value(.string(try quoted()))
            } else if rest.first == "@" {
                operand = .path(try path())
            } else {
                let word = String(rest.prefix { $0 != ")" && $0 != " " })
                rest = rest.dropFirst(word.count)
                guard let value = try? JSON(parsing: word) else { throw failure("\(word) is no value to compare with") }
                operand = .value(value)
            }
        }
        skipSpaces()
        guard rest.hasPrefix(")]") else { throw failure("a filter ends with )]") }
        rest = rest.dropFirst(2)
        return .filter(left, comparison, operand)
    }
}
