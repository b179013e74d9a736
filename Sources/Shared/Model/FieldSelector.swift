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
        for term in FieldSelector.terms(text).sorted() {
            guard let (place, operation) = FieldSelector.operation(in: term) else {
                throw Status(.badRequest, "invalid selector: '\(text)'; can't understand '\(term)'")
            }
            let value = term[term.index(place, offsetBy: operation.count)...]
            requirements.append(
                Requirement(
                    String(term[..<place]), isEqual: operation != "!=", try FieldSelector.unescape(value)))
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

    /// The first operator of a term and its place.
    private static func operation(in term: Substring) -> (Substring.Index, String)? {
        for index in term.indices {
            for operation in ["!=", "==", "="] where term[index...].hasPrefix(operation) { return (index, operation) }
        }
        return nil
    }

    private static func unescape(_ value: Substring) throws(Status) -> String {
        var text = ""
        var escaped = false
        for scalar in value.unicodeScalars {
            let isSpecial = scalar == "\\" || scalar == "," || scalar == "="
            if escaped {
                guard isSpecial else {
                    throw Status(.badRequest, "invalid field selector: invalid escape sequence: \\\(scalar)")
                }
                text.unicodeScalars.append(scalar)
                escaped = false
            } else if scalar == "\\" {
                escaped = true
            } else if isSpecial {
                throw Status(
                    .badRequest, "invalid field selector: unescaped character in value: \(scalar.value)")
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        if escaped { throw Status(.badRequest, "invalid field selector: invalid escape sequence: \\") }
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
