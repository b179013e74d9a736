/// Requirements on single fields, all of which must hold: `spec.nodeName=n1,status.phase!=Failed`.
/// Which fields a resource offers is the registry's business; here they are only names.
package struct FieldSelector: Hashable, Sendable {
    package struct Requirement: Hashable, Sendable {
        package let field: String
        package let isEqual: Bool
        package let value: String
        package init(_ field: String, isEqual: Bool = true, _ value: String) {
            self.field = field
            self.isEqual = isEqual
            self.value = value
        }
    }
    package var requirements: [Requirement]
    package init(_ requirements: [Requirement] = []) { self.requirements = requirements }

    package static let everything = FieldSelector()
    package var isEmpty: Bool { requirements.isEmpty }

    /// `value` gives the text of a field, empty when it is absent.
    package func matches(_ value: (String) -> String) -> Bool {
        requirements.allSatisfy { (value($0.field) == $0.value) == $0.isEqual }
    }

    /// Reads `?fieldSelector=`; `\` escapes `\`, `,` and `=`. Source: apimachinery `fields.ParseSelector`.
    /// - Throws: `Status` 400 that shows the term.
    package init(parsing text: String) throws(Status) {
        requirements = []
        for term in FieldSelector.terms(text) {
            guard let equals = FieldSelector.operatorStart(term) else {
                throw Status(
                    .badRequest, "invalid field selector \"\(text)\": the term \"\(term)\" has none of =, ==, !=")
            }
            let isEqual = term[equals] == "="
            var value = term[term.index(after: equals)...]
            if value.hasPrefix("=") { value.removeFirst() } else if !isEqual { continue }
            requirements.append(Requirement(String(term[..<equals]), isEqual: isEqual, FieldSelector.unescape(value)))
        }
    }

    private static func terms(_ text: String) -> [Substring] {
        var terms: [Substring] = []
        var start = text.startIndex
        var escaped = false
        for index in text.indices {
            if escaped {
                escaped = false
            } else if text[index] == "\\" {
                escaped = true
            } else if text[index] == "," {
                terms.append(text[start..<index])
                start = text.index(after: index)
            }
        }
        terms.append(text[start...])
        return terms.filter { !$0.isEmpty }
    }

    private static func operatorStart(_ term: Substring) -> Substring.Index? {
        term.indices.first { index in
            term[index] == "=" || (term[index] == "!" && term[term.index(after: index)...].hasPrefix("="))
        }
    }

    private static func unescape(_ value: Substring) -> String {
        var text = ""
        var escaped = false
        for character in value {
            if !escaped, character == "\\" {
                escaped = true
            } else {
                text.append(character)
                escaped = false
            }
        }
        return text
    }
}

extension FieldSelector: CustomStringConvertible {
    package var description: String {
        requirements.map { "\($0.field)\($0.isEqual ? "=" : "!=")\(FieldSelector.escape($0.value))" }.joined(
            separator: ",")
    }
    private static func escape(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if "\\,=".contains(character) { text.append("\\") }
            text.append(character)
        }
    }
}
