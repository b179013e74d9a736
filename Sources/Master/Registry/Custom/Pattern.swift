/// A regular expression in RE2's grammar, matched in time linear in the text, so that no pattern can hold the server up.
/// Source: https://github.com/google/re2/wiki/Syntax, Thompson's construction.
struct Pattern: Sendable {
    /// Why a pattern cannot be used.
    struct Invalid: Error, Equatable, CustomStringConvertible { let description: String }

    indirect enum Node: Sendable {
        case empty
        case scalars(ScalarSet)
        case assertion(Assertion)
        case sequence([Node])
        case choice([Node])
        /// - Parameter most: nil for no bound.
        case repetition(Node, least: Int, most: Int?)
    }
    enum Assertion: Sendable { case textStart, textEnd, lineStart, lineEnd, wordEdge, noWordEdge }

    private enum Instruction: Sendable {
        case match
        case scalars(ScalarSet, next: Int)
        case assertion(Assertion, next: Int)
        case split(Int, Int)
    }
    private var program: [Instruction] = []
    private var start = 0

    init(_ text: String) throws(Invalid) {
        var parser = PatternParser(text)
        let node = try parser.parse()
        program.append(.match)
        start = try compile(node, next: 0)
    }

    /// Adds the instructions of a node and returns the first; each leads to `next`.
    private mutating func compile(_ node: Node, next: Int) throws(Invalid) -> Int {
        guard program.count < PatternParser.instructionsMax else {
            throw Invalid(description: "expression is too large")
        }
        switch node {
        case .empty: return next
        case .scalars(let set): return add(.scalars(set, next: next))
        case .assertion(let assertion): return add(.assertion(assertion, next: next))
        case .sequence(let nodes):
            var next = next
            for node in nodes.reversed() { next = try compile(node, next: next) }
            return next
        case .choice(let nodes):
            guard let last = nodes.last else { return next }
            var result = try compile(last, next: next)
            for node in nodes.dropLast().reversed() {
                let first = try compile(node, next: next)
                result = add(.split(first, result))
            }
            return result
        case .repetition(let node, let least, let most):
            var next = next
            if let most {
                for _ in least..<max(least, most) {
                    let first = try compile(node, next: next)
                    next = add(.split(first, next))
                }
            } else {
                let loop = add(.match)
                let first = try compile(node, next: loop)
                program[loop] = .split(first, next)
                next = loop
            }
            for _ in 0..<least { next = try compile(node, next: next) }
            return next
        }
    }

    private mutating func add(_ instruction: Instruction) -> Int {
        program.append(instruction)
        return program.count - 1
    }

    /// Whether the pattern occurs anywhere in the text.
    func occurs(in text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var current = States(program.count)
        var following = States(program.count)
        for position in 0...scalars.count {
            if follow(start, scalars, position, &current) { return true }
            guard position < scalars.count else { break }
            following.clear()
            for index in current.list {
                guard case .scalars(let set, let next) = program[index], set.contains(scalars[position]) else {
                    continue
                }
                if follow(next, scalars, position + 1, &following) { return true }
            }
            swap(&current, &following)
        }
        return false
    }

    /// The states of a step, each once.
    private struct States {
        var list: [Int] = []
        private var seen: [Bool]

        init(_ count: Int) { seen = Array(repeating: false, count: count) }
        mutating func insert(_ state: Int) -> Bool {
            if seen[state] { return false }
            seen[state] = true
            list.append(state)
            return true
        }
        mutating func clear() {
            for state in list { seen[state] = false }
            list.removeAll(keepingCapacity: true)
        }
    }

    /// Adds a state and all that are reached from it without reading.
    /// - Returns: true when the match is complete.
    private func follow(_ first: Int, _ text: [Unicode.Scalar], _ position: Int, _ states: inout States) -> Bool {
        var pending = [first]
        while let state = pending.popLast() {
            guard states.insert(state) else { continue }
            switch program[state] {
            case .match: return true
            case .scalars: break
            case .split(let left, let right):
                pending.append(right)
                pending.append(left)
            case .assertion(let assertion, let next):
                if Pattern.holds(assertion, text, position) { pending.append(next) }
            }
        }
        return false
    }

    private static func holds(_ assertion: Assertion, _ text: [Unicode.Scalar], _ position: Int) -> Bool {
        func isWord(_ index: Int) -> Bool { text.indices.contains(index) && ScalarSet.word.contains(text[index]) }
        return switch assertion {
        case .textStart: position == 0
        case .textEnd: position == text.count
        case .lineStart: position == 0 || text[position - 1] == "\n"
        case .lineEnd: position == text.count || text[position] == "\n"
        case .wordEdge: isWord(position - 1) != isWord(position)
        case .noWordEdge: isWord(position - 1) == isWord(position)
        }
    }
}

/// A set of characters: ranges and classes, or all but those.
struct ScalarSet: Sendable {
    enum Class: Sendable { case letter, upper, lower, number, space, punctuation }
    var ranges: [ClosedRange<UInt32>] = []
    var classes: [(Class, isNegated: Bool)] = []
    var isNegated = false
    var ignoresCase = false

    init(_ ranges: [ClosedRange<UInt32>] = [], isNegated: Bool = false) {
        self.ranges = ranges
        self.isNegated = isNegated
    }

    static let digit = ScalarSet([0x30...0x39])
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet([0x09...0x0A, 0x0C...0x0D, 0x20...0x20])

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var isIn = holds(scalar.value, scalar)
        if !isIn, ignoresCase, scalar.isASCII, scalar.properties.isAlphabetic {
            isIn = holds(scalar.value ^ 0x20, scalar)
        }
        return isIn != isNegated
    }

    private func holds(_ value: UInt32, _ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(value) }
            || classes.contains { ScalarSet.holds($0.0, scalar) != $0.isNegated }
    }

    private static func holds(_ name: Class, _ scalar: Unicode.Scalar) -> Bool {
        let category = scalar.properties.generalCategory
        return switch name {
        case .letter:
            [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter].contains(category)
        case .upper: category == .uppercaseLetter
        case .lower: category == .lowercaseLetter
        case .number: [.decimalNumber, .letterNumber, .otherNumber].contains(category)
        case .space: [.spaceSeparator, .lineSeparator, .paragraphSeparator].contains(category)
        case .punctuation:
            [
                .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
                .finalPunctuation, .otherPunctuation,
            ].contains(category)
        }
    }

    /// Adds what another set holds; one that is negated is turned into ranges.
    mutating func formUnion(_ other: ScalarSet) {
        classes += other.classes
        guard other.isNegated else {
            ranges += other.ranges
            return
        }
        var next: UInt32 = 0
        for range in other.ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { ranges.append(next...range.lowerBound - 1) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10FFFF { ranges.append(next...0x10FFFF) }
    }
}
