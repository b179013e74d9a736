/// The grammar of `?labelSelector=`. Source: apimachinery `labels.Parse`, texts included.
extension LabelSelector {
    /// - Throws: `Status` 400 that names the place.
    package init(parsing text: String) throws(Status) {
        var reader = Reader(tokens: Lexer.tokens(text))
        do throws(Reader.Mistake) {
            requirements = try reader.requirements()
        } catch {
            throw Status(.badRequest, error.text)
        }
    }

    private struct Token {
        enum Kind {
            case end, word, inWord, notInWord, open, close, comma, bang, equal, doubleEqual, notEqual, less, greater,
                error
        }
        let kind: Kind
        let text: String

        /// Where a name or a value is due, `in` and `notin` are plain words.
        var isWord: Bool { kind == .word || kind == .inWord || kind == .notInWord }
    }

    private enum Lexer {
        static func tokens(_ text: String) -> [Token] {
            var tokens: [Token] = []
            var rest = Array(text.utf8)[...]
            while let byte = rest.first {
                if isSpace(byte) {
                    rest.removeFirst()
                } else if isSpecial(byte) {
                    tokens.append(symbol(&rest))
                } else {
                    let word = rest.prefix { !isSpace($0) && !isSpecial($0) }
                    rest = rest.dropFirst(word.count)
                    let text = String(decoding: word, as: UTF8.self)
                    tokens.append(
                        Token(kind: text == "in" ? .inWord : text == "notin" ? .notInWord : .word, text: text))
                }
            }
            return tokens
        }

        /// The longest symbol that the text begins with.
        private static func symbol(_ rest: inout ArraySlice<UInt8>) -> Token {
            for count in [2, 1] where rest.count >= count {
                let text = String(decoding: rest.prefix(count), as: UTF8.self)
                guard let kind = symbols[text] else { continue }
                rest = rest.dropFirst(count)
                return Token(kind: kind, text: text)
            }
            let byte = rest.removeFirst()
            return Token(kind: .error, text: String(decoding: [byte], as: UTF8.self))
        }

        private static let symbols: [String: Token.Kind] = [
            "(": .open, ")": .close, ",": .comma, "!": .bang, "=": .equal, "==": .doubleEqual, "!=": .notEqual,
            "<": .less, ">": .greater,
        ]
        private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        private static func isSpecial(_ byte: UInt8) -> Bool { "=!(),<>".utf8.contains(byte) }
    }

    private struct Reader {
        struct Mistake: Error {
            let text: String
        }
        let tokens: [Token]
        private var position = 0

        init(tokens: [Token]) { self.tokens = tokens }

        private var next: Token { position < tokens.count ? tokens[position] : Token(kind: .end, text: "") }
        private mutating func take() -> Token {
            defer { position += 1 }
            return next
        }

        mutating func requirements() throws(Mistake) -> [Requirement] {
            var found: [Requirement] = []
            while true {
                let first = next
                if first.kind == .end { return found }
                guard first.isWord || first.kind == .bang else {
                    throw Mistake(text: "found '\(first.text)', expected: !, identifier, or 'end of string'")
                }
                do throws(Mistake) {
                    found.append(try requirement())
                } catch {
                    throw Mistake(text: "unable to parse requirement: \(error.text)")
                }
                let separator = take()
                if separator.kind == .end { return found }
                guard separator.kind == .comma else {
                    throw Mistake(text: "found '\(separator.text)', expected: ',' or 'end of string'")
                }
                guard next.isWord || next.kind == .bang else {
                    throw Mistake(text: "found '\(next.text)', expected: identifier after ','")
                }
            }
        }

        private mutating func requirement() throws(Mistake) -> Requirement {
            var word = take()
            let isAbsent = word.kind == .bang
            if isAbsent { word = take() }
            guard word.isWord else { throw Mistake(text: "found '\(word.text)', expected: identifier") }
            let key = word.text
            let mistakes = NameText.qualified(key)
            guard mistakes.isEmpty else {
                throw Mistake(text: "invalid label key \"\(key)\": \(mistakes.joined(separator: "; "))")
            }
            if isAbsent { return Requirement(key, .doesNotExist) }
            if next.kind == .end || next.kind == .comma { return Requirement(key, .exists) }
            let operation = take()
            switch operation.kind {
            case .inWord: return try checked(Requirement(key, .in, try values()))
            case .notInWord: return try checked(Requirement(key, .notIn, try values()))
            case .equal, .doubleEqual: return try checked(Requirement(key, .in, [try value()]))
            case .notEqual: return try checked(Requirement(key, .notIn, [try value()]))
            case .greater: return try number(Requirement(key, .greater, [try value()]))
            case .less: return try number(Requirement(key, .less, [try value()]))
            default:
                throw Mistake(text: "found '\(operation.text)', expected: '=', '!=', '==', 'in', notin'")
            }
        }

        private func checked(_ requirement: Requirement) throws(Mistake) -> Requirement {
            for value in requirement.values {
                let mistakes = NameText.labelValue(value)
                guard mistakes.isEmpty else {
                    throw Mistake(
                        text:
                            "invalid label value: \"\(value)\": at key: \"\(requirement.key)\": \(mistakes.joined(separator: "; "))"
                    )
                }
            }
            return requirement
        }
        private func number(_ requirement: Requirement) throws(Mistake) -> Requirement {
            guard requirement.values.allSatisfy({ Int64($0) != nil }) else {
                throw Mistake(text: "for 'Gt', 'Lt' operators, the value must be an integer")
            }
            return try checked(requirement)
        }

        private mutating func value() throws(Mistake) -> String {
            if next.kind == .end || next.kind == .comma { return "" }
            let word = take()
            guard word.isWord else { throw Mistake(text: "found '\(word.text)', expected: identifier") }
            return word.text
        }

        private mutating func values() throws(Mistake) -> [String] {
            let open = take()
            guard open.kind == .open else { throw Mistake(text: "found '\(open.text)' expected: '('") }
            if next.kind == .close {
                position += 1
                return [""]
            }
            guard next.isWord || next.kind == .comma else {
                throw Mistake(text: "found '\(next.text)', expected: ',', ')' or identifier")
            }
            var values: [String] = []
            var isDue = true
            while true {
                let token = take()
                if token.isWord {
                    values.append(token.text)
                    isDue = false
                    guard next.kind == .comma || next.kind == .close else {
                        throw Mistake(text: "found '\(next.text)', expected: ',' or ')'")
                    }
                } else if token.kind == .comma {
                    // A comma without a value beside it stands for the empty value.
                    if isDue { values.append("") }
                    isDue = true
                } else if token.kind == .close {
                    if isDue { values.append("") }
                    break
                } else {
                    throw Mistake(text: "found '\(token.text)', expected: ',', or identifier")
                }
            }
            var seen: Set<String> = []
            return values.filter { seen.insert($0).inserted }
        }
    }
}
