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
            let value = term[term.utf8.index(place, offsetBy: operation.utf8.count)...]
            requirements.append(
                Requirement(
                    String(term[..<place]), isEqual: operation != "!=", try FieldSelector.unescape(value)))
        }
    }

    private static func terms(_ text: String) -> [Substring] {
        var terms: [Substring] = []
        var start = text.startIndex
        var escaped = false
        // By bytes: a mark that joins the comma makes no other character of it.
        let bytes = text.utf8
        for index in bytes.indices {
            if escaped {
                escaped = false
            } else if bytes[index] == UInt8(ascii: "\\") {
                escaped = true
            } else if bytes[index] == UInt8(ascii: ",") {
                terms.append(text[start..<index])
                start = bytes.index(after: index)
            }
        }
        terms.append(text[start...])
        return terms.filter { !$0.isEmpty }
    }

    /// The first operator of a term and its place.
    private static func operation(in term: Substring) -> (Substring.Index, String)? {
        for index in term.utf8.indices {
            for operation in ["!=", "==", "="] where term.utf8[index...].starts(with: operation.utf8) {
                return (index, operation)
            }
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
        value.unicodeScalars.reduce(into: "") { text, scalar in
            if "\\,=".unicodeScalars.contains(scalar) { text.append("\\") }
            text.unicodeScalars.append(scalar)
        }
    }
}
