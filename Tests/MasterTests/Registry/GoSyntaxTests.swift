import Testing

@testable import Master

struct GoSyntaxTests {
    @Test(arguments: [
        ("nope", "invalid character 'o' in literal null (expecting 'u')"),
        ("[{\"op\":\"add\"}] x", "invalid character 'x' after top-level value"),
        ("{", "unexpected end of JSON input"), ("", "unexpected end of JSON input"),
        ("{a", "invalid character 'a' looking for beginning of object key string"),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
        ("\"a\nb\"", "invalid character '\\n' in string literal"),
        ("\"\\q\"", "invalid character 'q' in string escape code"),
        ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
        ("-x", "invalid character 'x' in numeric literal"), ("01", "invalid character '1' after top-level value"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        ("// c", "invalid character '/' looking for beginning of value"),
    ])
    func `broken texts are complained about as Go does`(text: String, complaint: String) {
        #expect(GoSyntax.complaint(about: Array(text.utf8)) == complaint)
    }

    @Test(arguments: ["{}", "[]", " [1, 2.5e-3, {\"a\": [null, true, \"x\\u00e9\"]}] ", "-0", "\"\""])
    func `whole texts are not complained about`(text: String) {
        #expect(GoSyntax.complaint(about: Array(text.utf8)) == nil)
    }
}
