import Shared

extension GoText {
    /// A YAML error in the words of the library with which Kubernetes reads YAML; what it has no words for stays ours.
    /// Source: go-yaml `scannerc.go`, `parserc.go`, `decode.go`.
    static func complaint(_ error: YAMLError) -> String {
        let known = complaints.first { error.message.contains($0.ours) }
        return "line \(error.line): \(known?.theirs ?? error.message)"
    }

    private static let complaints: [(ours: String, theirs: String)] = [
        ("the text ends before the bracket is closed", "did not find expected node content"),
        ("',' or ']' is missing", "did not find expected ',' or ']'"),
        ("',' or '}' is missing", "did not find expected ',' or '}'"),
        ("bracket that opens here is never closed", "did not find expected ',' or ']'"),
        ("document ends before the bracket is closed", "did not find expected node content"),
        ("in quotes that opens here is never closed", "found unexpected end of stream"),
        ("document ends before the quotes are closed", "found unexpected document indicator"),
        ("control character", "control characters are not allowed"),
        ("a key must stand on one line", "could not find expected ':'"),
        ("escape is unknown", "found unknown escape character"),
        ("hexadecimal digits are needed", "did not find expected hexdecimal number"),
        ("escape is no character", "found invalid Unicode character escape code"),
        ("must start on the line after '|'", "did not find expected comment or line break"),
        ("a name is missing after", "did not find expected alphabetic or numeric character"),
        ("is not declared; add a line '%TAG", "found undefined tag handle"),
        ("after the directives", "did not find expected <document start>"),
        ("something follows the document", "did not find expected <document start>"),
        ("a second ':' stands", "mapping values are not allowed in this context"),
        ("indented further than the keys above", "mapping values are not allowed in this context"),
        ("a tab stands", "found character that cannot start any token"),
        ("value can not start with", "found character that cannot start any token"),
        ("a value is missing before ','", "did not find expected node content"),
        ("bracket was never opened", "did not find expected node content"),
        ("a list item can not stand here", "block sequence entries are not allowed in this context"),
        ("a list item stands where a key", "did not find expected key"),
        ("a key is missing", "could not find expected ':'"),
        ("does not fit the lines above", "did not find expected key"),
        ("unexpected text after the value", "did not find expected <document start>"),
    ]
}
