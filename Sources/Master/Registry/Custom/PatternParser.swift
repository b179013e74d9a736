/// Reads the text of a `Pattern`. Nesting, repetition counts and size are bounded.
struct PatternParser {
    static let instructionsMax = 20_000
    private static let depthMax = 100
    private static let repetitionsMax = 1000

    private let text: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    private var ignoresCase = false
    private var isMultiline = false
    private var dotTakesNewline = false

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    private var current: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private func invalid(_ why: String) -> Pattern.Invalid { Pattern.Invalid(description: why) }
    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }
    private mutating func take(_ word: String) -> Bool {
        let scalars = Array(word.unicodeScalars)
        guard text[position...].starts(with: scalars) else { return false }
        position += scalars.count
        return true
    }

    mutating func parse() throws(Pattern.Invalid) -> Pattern.Node {
        let node = try choice()
        if position < text.count { throw invalid("unexpected ): `\(source)`") }
        return node
    }

    private var source: String {
        var result = String.UnicodeScalarView()
        result.append(contentsOf: text)
        return String(result)
    }

    private mutating func choice() throws(Pattern.Invalid) -> Pattern.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= PatternParser.depthMax else { throw invalid("expression nests too deeply") }
        var branches = [try sequence()]
        while take("|" as Unicode.Scalar) { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(Pattern.Invalid) -> Pattern.Node {
        var nodes: [Pattern.Node] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            let atom = try atom()
            nodes.append(try repeated(atom))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    // MARK: Repetition

    private mutating func repeated(_ atom: Pattern.Node) throws(Pattern.Invalid) -> Pattern.Node {
        var node = atom
        var isRepeated = false
        while let scalar = current {
            let bounds: (least: Int, most: Int?)
            switch scalar {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{":
                guard let (counts, length) = counts() else { return node }
                if counts.least > PatternParser.repetitionsMax
                    || counts.most.map({ $0 > PatternParser.repetitionsMax || $0 < counts.least }) ?? false
                {
                    throw invalid("invalid repeat count: `\(source)`")
                }
                bounds = counts
                position += length - 1
            default: return node
            }
            position += 1
            if isRepeated { throw invalid("invalid nested repetition operator: `\(source)`") }
            isRepeated = true
            // Whether as little as possible is taken makes no difference to whether there is a match.
            _ = take("?" as Unicode.Scalar)
            node = .repetition(node, least: bounds.least, most: bounds.most)
        }
        return node
    }

    /// `{n}`, `{n,}`, `{n,m}` at the position, with its length; nil when the brace is a plain character.
    private func counts() -> ((least: Int, most: Int?), Int)? {
        guard let end = text[position...].firstIndex(of: "}") else { return nil }
        var inner = String.UnicodeScalarView()
        inner.append(contentsOf: text[position + 1..<end])
        let parts = String(inner).split(separator: ",", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts[0].count < 6, let least = Int(parts[0]), least >= 0 else {
            return nil
        }
        let length = end - position + 1
        if parts.count == 1 { return ((least, least), length) }
        if parts[1].isEmpty { return ((least, nil), length) }
        guard parts[1].count < 6, let most = Int(parts[1]), most >= 0 else { return nil }
        return ((least, most), length)
    }

    // MARK: Atoms

    private mutating func atom() throws(Pattern.Invalid) -> Pattern.Node {
        guard let scalar = current else { return .empty }
        position += 1
        switch scalar {
        case ".":
            return .scalars(dotTakesNewline ? ScalarSet([0...0x10FFFF]) : ScalarSet([0x0A...0x0A], isNegated: true))
        case "^": return .assertion(isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(isMultiline ? .lineEnd : .textEnd)
        case "(": return try group()
        case "[": return .scalars(try set())
        case "\\": return try escape()
        case "*", "+", "?": throw invalid("missing argument to repetition operator: `\(scalar)`")
        default: return .scalars(single(scalar.value))
        }
    }

    private func single(_ value: UInt32) -> ScalarSet {
        var set = ScalarSet([value...value])
        set.ignoresCase = ignoresCase
        return set
    }

    private mutating func group() throws(Pattern.Invalid) -> Pattern.Node {
        let flags = (ignoresCase, isMultiline, dotTakesNewline)
        if take("?" as Unicode.Scalar) {
            if take("P<") || take("<") {
                guard let end = text[position...].firstIndex(of: ">") else { throw invalid("missing closing >") }
                position = end + 1
            } else {
                var isOn = true
                while let flag = current, flag != ":", flag != ")" {
                    position += 1
                    switch flag {
                    case "-": isOn = false
                    case "i": ignoresCase = isOn
                    case "m": isMultiline = isOn
                    case "s": dotTakesNewline = isOn
                    case "U": break
                    default: throw invalid("invalid or unsupported Perl syntax: `(?\(flag)`")
                    }
                }
                if take(")" as Unicode.Scalar) { return .empty }
                guard take(":" as Unicode.Scalar) else { throw invalid("missing closing ): `\(source)`") }
            }
        }
        let node = try choice()
        guard take(")" as Unicode.Scalar) else { throw invalid("missing closing ): `\(source)`") }
        (ignoresCase, isMultiline, dotTakesNewline) = flags
        return node
    }

    private mutating func escape() throws(Pattern.Invalid) -> Pattern.Node {
        guard let scalar = current else { throw invalid("trailing backslash at end of expression: ``") }
        switch scalar {
        case "A":
            position += 1
            return .assertion(.textStart)
        case "z":
            position += 1
            return .assertion(.textEnd)
        case "b":
            position += 1
            return .assertion(.wordEdge)
        case "B":
            position += 1
            return .assertion(.noWordEdge)
        case "Q":
            position += 1
            var nodes: [Pattern.Node] = []
            while let scalar = current, !take("\\E") {
                position += 1
                nodes.append(.scalars(single(scalar.value)))
            }
            return .sequence(nodes)
        default: return .scalars(try escapedSet())
        }
    }

    /// What stands after a backslash, in a class or outside.
    private mutating func escapedSet() throws(Pattern.Invalid) -> ScalarSet {
        guard let scalar = current else { throw invalid("trailing backslash at end of expression: ``") }
        position += 1
        func negated(_ set: ScalarSet) -> ScalarSet {
            var set = set
            set.isNegated = true
            return set
        }
        switch scalar {
        case "d": return .digit
        case "D": return negated(.digit)
        case "w": return .word
        case "W": return negated(.word)
        case "s": return .space
        case "S": return negated(.space)
        case "n": return single(0x0A)
        case "t": return single(0x09)
        case "r": return single(0x0D)
        case "f": return single(0x0C)
        case "v": return single(0x0B)
        case "a": return single(0x07)
        case "x": return single(try hexadecimal())
        case "p", "P": return try unicodeClass(isNegated: scalar == "P")
        default:
            if scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) {
                throw invalid("invalid escape sequence: `\\\(scalar)`")
            }
            return single(scalar.value)
        }
    }

    private mutating func hexadecimal() throws(Pattern.Invalid) -> UInt32 {
        var digits = ""
        if take("{" as Unicode.Scalar) {
            while let scalar = current, scalar != "}" {
                position += 1
                digits.unicodeScalars.append(scalar)
            }
            guard take("}" as Unicode.Scalar) else { throw invalid("invalid escape sequence: `\\x{`") }
        } else {
            for _ in 0..<2 {
                guard let scalar = current else { break }
                position += 1
                digits.unicodeScalars.append(scalar)
            }
        }
        guard !digits.isEmpty, digits.count < 9, let value = UInt32(digits, radix: 16), value <= 0x10FFFF else {
            throw invalid("invalid escape sequence: `\\x\(digits)`")
        }
        return value
    }

    private mutating func unicodeClass(isNegated: Bool) throws(Pattern.Invalid) -> ScalarSet {
        var name = ""
        if take("{" as Unicode.Scalar) {
            while let scalar = current, scalar != "}" {
                position += 1
                name.unicodeScalars.append(scalar)
            }
            guard take("}" as Unicode.Scalar) else { throw invalid("invalid character class range: `\\p{\(name)`") }
        } else if let scalar = current {
            position += 1
            name.unicodeScalars.append(scalar)
        }
        var isNegated = isNegated
        if name.hasPrefix("^") {
            isNegated.toggle()
            name.removeFirst()
        }
        let classes: [String: ScalarSet.Class] = [
            "L": .letter, "Lu": .upper, "Ll": .lower, "N": .number, "Nd": .number, "Z": .space, "Zs": .space,
            "P": .punctuation,
        ]
        guard let found = classes[name] else { throw invalid("invalid character class range: `\\p{\(name)}`") }
        var set = ScalarSet()
        set.classes = [(found, isNegated)]
        return set
    }

    // MARK: Sets

    private static let named: [(String, [ClosedRange<UInt32>])] = [
        ("alnum", [0x30...0x39, 0x41...0x5A, 0x61...0x7A]), ("alpha", [0x41...0x5A, 0x61...0x7A]),
        ("ascii", [0...0x7F]), ("blank", [0x09...0x09, 0x20...0x20]), ("cntrl", [0...0x1F, 0x7F...0x7F]),
        ("digit", [0x30...0x39]), ("graph", [0x21...0x7E]), ("lower", [0x61...0x7A]), ("print", [0x20...0x7E]),
        ("punct", [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]), ("space", [0x09...0x0D, 0x20...0x20]),
        ("upper", [0x41...0x5A]), ("word", [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]),
        ("xdigit", [0x30...0x39, 0x41...0x46, 0x61...0x66]),
    ]

    private mutating func set() throws(Pattern.Invalid) -> ScalarSet {
        var set = ScalarSet()
        set.ignoresCase = ignoresCase
        let isNegated = take("^" as Unicode.Scalar)
        var isFirst = true
        while true {
            guard let scalar = current else { throw invalid("missing closing ]: `\(source)`") }
            if scalar == "]", !isFirst { break }
            isFirst = false
            if let named = namedClass() {
                set.formUnion(named)
                continue
            }
            let low = try bound()
            guard low.ranges.count == 1, !low.isNegated, low.classes.isEmpty,
                low.ranges[0].lowerBound == low.ranges[0].upperBound, current == "-", position + 1 < text.count,
                text[position + 1] != "]"
            else {
                set.formUnion(low)
                continue
            }
            position += 1
            let high = try bound()
            guard high.ranges.count == 1, !high.isNegated, high.classes.isEmpty,
                high.ranges[0].lowerBound == high.ranges[0].upperBound,
                low.ranges[0].lowerBound <= high.ranges[0].lowerBound
            else { throw invalid("invalid character class range: `\(source)`") }
            set.ranges.append(low.ranges[0].lowerBound...high.ranges[0].lowerBound)
        }
        position += 1
        set.isNegated = isNegated
        return set
    }

    private mutating func bound() throws(Pattern.Invalid) -> ScalarSet {
        guard let scalar = current else { throw invalid("missing closing ]: `\(source)`") }
        position += 1
        return scalar == "\\" ? try escapedSet() : single(scalar.value)
    }

    /// `[:alpha:]` or `[:^alpha:]`.
    private mutating func namedClass() -> ScalarSet? {
        for (name, ranges) in PatternParser.named {
            if take("[:\(name):]") { return ScalarSet(ranges) }
            if take("[:^\(name):]") { return ScalarSet(ranges, isNegated: true) }
        }
        return nil
    }
}
