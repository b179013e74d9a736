import Shared

/// Compares what a server answers with a recording in which everything that changes from run to run is a token
/// (`<uid:1>`, `<rv:2>`, `<time>`). The first value that meets a token is what the token stands for from then on; two
/// tokens never stand for one value. Source: README-api.md of the recordings.
struct GoldenMatch {
    /// What the recording calls `{ns}`.
    let namespace: String
    /// The values of tokens, by token.
    private var values: [String: String] = [:]
    /// The token of a value, by kind of token and value.
    private var tokens: [String: String] = [:]
    /// Every difference, one sentence each.
    private(set) var misses: [String] = []

    init(namespace: String) { self.namespace = namespace }

    mutating func clearMisses() { misses = [] }
    mutating func miss(_ path: String, _ what: String) { misses.append("\(path.isEmpty ? "." : path): \(what)") }

    // MARK: Values

    mutating func compare(_ actual: JSON, _ expected: JSON, at path: String = "") {
        switch (expected, actual) {
        case (.object(let wanted), .object(let given)): compare(given, wanted, at: path)
        case (.array(let wanted), .array(let given)):
            for index in 0..<max(wanted.count, given.count) {
                let place = "\(path)[\(index)]"
                if index >= wanted.count {
                    miss(place, "too many: \(GoldenMatch.short(given[index]))")
                } else if index >= given.count {
                    miss(place, "missing \(GoldenMatch.short(wanted[index]))")
                } else {
                    compare(given[index], wanted[index], at: place)
                }
            }
        case (.string(let wanted), .string(let given)):
            if !agrees(given, wanted) { differ(actual, expected, path) }
        // A port that the server chose.
        case (.string(let wanted), .int(let given)) where wanted.hasPrefix("<") && wanted.hasSuffix(">"):
            if !matches(String(given), wanted) { differ(actual, expected, path) }
        default:
            if let wanted = expected.double, let given = actual.double, wanted == given { return }
            if actual != expected { differ(actual, expected, path) }
        }
    }

    private mutating func compare(_ given: JSON.Members, _ wanted: JSON.Members, at path: String) {
        var rest = Set(given.keys)
        for (key, value) in wanted.sorted() {
            let place = path.isEmpty ? key : "\(path).\(key)"
            var found = rest.contains(key) ? key : GoldenVersions.newName(of: key, at: path)
            if found == nil, key.contains("<") || key.contains("{") {
                found = rest.sorted().first { matches($0, key) }
            }
            guard let found, let mine = given[found] else {
                if !GoldenVersions.isOmission(key, value) {
                    miss(place, "missing, want \(GoldenMatch.short(value))")
                }
                continue
            }
            rest.remove(found)
            compare(mine, value, at: place)
        }
        for key in rest.sorted() where !GoldenVersions.isAddition(key, given[key] ?? .null, at: path) {
            miss(path.isEmpty ? key : "\(path).\(key)", "not wanted, is \(GoldenMatch.short(given[key] ?? .null))")
        }
    }

    private mutating func differ(_ actual: JSON, _ expected: JSON, _ path: String) {
        miss(path, "is \(GoldenMatch.short(actual)) want \(GoldenMatch.short(expected))")
    }

    private static func short(_ json: JSON) -> String {
        let text = json.text
        return text.count > 700 ? text.prefix(700) + "…" : text
    }

    // MARK: Texts

    /// Whether `text` says what the recorded one says in the words of newer servers, which show values as JSON.
    mutating func agrees(_ text: String, _ recorded: String) -> Bool {
        if matches(text, recorded) { return true }
        let newer = GoldenVersions.newer(recorded)
        if newer != recorded, matches(text, newer) { return true }
        let (wanted, given) = (GoldenValues(newer), GoldenValues(text))
        guard wanted.values.contains(where: GoldenValues.isGo) || wanted.hadDifference,
            wanted.values.count == given.values.count
        else { return false }
        for (mine, theirs) in zip(given.texts, wanted.texts) where !matches(mine, theirs) { return false }
        for (mine, theirs) in zip(given.values, wanted.values) {
            if !GoldenValues.isGo(theirs), !matches(mine, theirs) { return false }
        }
        return true
    }

    /// Whether `text` is what the recording's `pattern` describes; learns the tokens' values when it is.
    mutating func matches(_ text: String, _ pattern: String) -> Bool {
        if text == pattern { return true }
        let pieces = Piece.pieces(of: pattern.replacing("{ns}", with: namespace))
        var rest = text[...]
        var learned: [(token: String, kind: Piece.TokenKind, value: String)] = []
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .text(let literal):
                guard rest.hasPrefix(literal) else { return false }
                rest = rest.dropFirst(literal.count)
            case .token(let kind, let token):
                if let known = values[token] {
                    guard rest.hasPrefix(known) else { return false }
                    rest = rest.dropFirst(known.count)
                    continue
                }
                var following: String?
                if index + 1 < pieces.count, case .text(let literal) = pieces[index + 1] { following = literal }
                guard let value = kind.prefix(of: rest, before: following) else { return false }
                if kind.isNumbered {
                    if let other = tokens["\(kind) \(value)"], other != token { return false }
                    learned.append((token, kind, value))
                }
                rest = rest.dropFirst(value.count)
            }
        }
        guard rest.isEmpty else { return false }
        for one in learned {
            values[one.token] = one.value
            tokens["\(one.kind) \(one.value)"] = one.token
            if one.kind == .rand { values[one.token.replacing("<rand:", with: "<name:")] = text }
        }
        if pattern == "<listrv>" { listRevision = text }
        return true
    }

    /// The version of the latest list, which is the one that requests mean.
    private var listRevision: String?

    // MARK: Requests

    /// A request's text with the values of its tokens.
    func filled(_ text: String) -> String {
        guard text.contains("<") || text.contains("{") else { return text }
        var result = ""
        for piece in Piece.pieces(of: text.replacing("{ns}", with: namespace)) {
            switch piece {
            case .text(let literal): result += literal
            case .token(.listrv, let token): result += listRevision ?? token
            case .token(_, let token): result += values[token] ?? token
            }
        }
        return result
    }

    func filled(_ json: JSON) -> JSON {
        switch json {
        case .string(let text): .string(filled(text))
        case .array(let items): .array(items.map(filled))
        case .object(let members): .object(JSON.Members(members.map { (filled($0.key), filled($0.value)) }))
        default: json
        }
    }
}

extension GoldenMatch {
    /// A part of a recorded text.
    fileprivate enum Piece {
        case text(String)
        case token(TokenKind, String)

        enum TokenKind: String {
            case uid, rv, listrv, `continue`, time, rand, name, ip, port, secret, jwt, pem, ptr, age

            var isNumbered: Bool { [.uid, .rv, .continue, .rand, .ip, .port].contains(self) }

            /// What of `text` the token stands for.
            func prefix(of text: Substring, before following: String?) -> String? {
                func all(_ characters: String) -> String? {
                    let found = text.prefix { characters.contains($0) }
                    return found.isEmpty ? nil : String(found)
                }
                switch self {
                case .uid:
                    let found = String(text.prefix(36))
                    return found.count == 36 && found.filter { $0 == "-" }.count == 4 ? found : nil
                case .rv, .listrv, .port: return all("0123456789")
                case .rand:
                    let found = String(text.prefix(5))
                    return found.count == 5 ? found : nil
                case .ip: return all("0123456789abcdef.:")
                case .time:
                    guard let found = all("0123456789-+:.TZ"), Timestamp(rfc3339: found) != nil else { return nil }
                    return found
                case .continue, .name, .secret, .jwt, .pem, .ptr, .age:
                    guard let following else { return String(text) }
                    return text.firstRange(of: following).map { String(text[..<$0.lowerBound]) }
                }
            }
        }

        static func pieces(of text: String) -> [Piece] {
            var pieces: [Piece] = []
            var literal = ""
            var rest = text[...]
            while let start = rest.firstIndex(of: "<") {
                literal += rest[..<start]
                rest = rest[start...]
                guard let end = rest.firstIndex(of: ">") else { break }
                let inner = rest[rest.index(after: start)..<end]
                let parts = inner.split(separator: ":", omittingEmptySubsequences: false)
                if parts.first == "fill", parts.count == 3, let count = Int(parts[2]), count <= 10_000_000 {
                    literal += String(repeating: String(parts[1]), count: count)
                } else if let kind = parts.first.flatMap({ TokenKind(rawValue: String($0)) }), parts.count <= 2 {
                    if !literal.isEmpty { pieces.append(.text(literal)) }
                    literal = ""
                    pieces.append(.token(kind, String(rest[...end])))
                } else {
                    literal += "<"
                    rest = rest.dropFirst()
                    continue
                }
                rest = rest[rest.index(after: end)...]
            }
            literal += rest
            if !literal.isEmpty { pieces.append(.text(literal)) }
            return pieces
        }
    }
}
