/// The grammar of `?labelSelector=`. Source: apimachinery `labels.Parse`.
extension LabelSelector {
    /// - Throws: `Status` 400 that names the place.
    package init(parsing text: String) throws(Status) {
        var reader = Reader(text: text, rest: Substring(text))
        requirements = try reader.requirements()
    }

    private struct Reader {
        let text: String
        var rest: Substring

        mutating func requirements() throws(Status) -> [Requirement] {
            var found: [Requirement] = []
            skipSpace()
            while !rest.isEmpty {
                found.append(try requirement())
                skipSpace()
                if rest.isEmpty { break }
                guard take(",") else { throw fail("expected ',' before \"\(rest)\"") }
                skipSpace()
                if rest.isEmpty { throw fail("expected a requirement after ','") }
            }
            return found
        }

        private mutating func requirement() throws(Status) -> Requirement {
            if take("!") { return Requirement(try key(), .doesNotExist) }
            let key = try key()
            skipSpace()
            if rest.isEmpty || rest.first == "," { return Requirement(key, .exists) }
            if take("==") || take("=") { return Requirement(key, .in, [try value()]) }
            if take("!=") { return Requirement(key, .notIn, [try value()]) }
            if take(">") { return Requirement(key, .greater, [try value()]) }
            if take("<") { return Requirement(key, .less, [try value()]) }
            switch word() {
            case "in": return Requirement(key, .in, try set())
            case "notin": return Requirement(key, .notIn, try set())
            default: throw fail("expected one of =, ==, !=, in, notin, <, > after \"\(key)\"")
            }
        }

        private mutating func key() throws(Status) -> String {
            let key = word()
            if key.isEmpty { throw fail("expected a label key at \"\(rest)\"") }
            guard Names.isQualifiedName(key) else { throw fail("\"\(key)\" is not a label key") }
            return key
        }

        private mutating func value() throws(Status) -> String {
            let value = word()
            guard Names.isLabelValue(value) else { throw fail("\"\(value)\" is not a label value") }
            return value
        }

        private mutating func set() throws(Status) -> [String] {
            skipSpace()
            guard take("(") else { throw fail("expected '(' after in or notin") }
            var values: [String] = []
            repeat { values.append(try value()) } while takeSpaced(",")
            guard takeSpaced(")") else { throw fail("expected ')' at \"\(rest)\"") }
            return values
        }

        private mutating func word() -> String {
            skipSpace()
            let word = rest.prefix { !$0.isWhitespace && !"=!<>(),".contains($0) }
            rest = rest.dropFirst(word.count)
            return String(word)
        }
        private mutating func takeSpaced(_ token: String) -> Bool {
            skipSpace()
            return take(token)
        }
        private mutating func take(_ token: String) -> Bool {
            guard rest.hasPrefix(token) else { return false }
            rest = rest.dropFirst(token.count)
            return true
        }
        private mutating func skipSpace() { rest = rest.drop { $0.isWhitespace } }
        private func fail(_ why: String) -> Status {
            Status(.badRequest, "unable to parse the label selector \"\(text)\": \(why)")
        }
    }
}
