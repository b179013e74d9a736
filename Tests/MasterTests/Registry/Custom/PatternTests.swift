import TestKit
import Testing

@testable import Master

struct PatternTests {
    @Test(arguments: [
        ("^a", "ab", true), ("^a", "ba", false), ("a$", "ba", true), ("^[a-z]([-a-z0-9]*[a-z0-9])?$", "a-1", true),
        ("^[a-z]([-a-z0-9]*[a-z0-9])?$", "a-", false), ("^(foo|bar){2}$", "foobar", true),
        ("^(foo|bar){2}$", "foo", false),
        ("^\\d{1,3}(\\.\\d{1,3}){3}$", "10.0.0.1", true), ("^x{2,}$", "x", false), ("^x{2,}$", "xxxx", true),
        ("(?i)^ABC$", "abc", true), ("^[^/]+$", "a/b", false), ("^\\w+@\\w+\\.com$", "a@b.com", true),
        ("", "any", true),
        ("^[[:alpha:]]+$", "abc1", false), ("a.c", "a\nc", false), ("(?s)a.c", "a\nc", true),
        ("\\bfoo\\b", "a foo b", true),
        ("^\\p{L}+$", "日本", true), ("^[\\d-]+$", "1-2", true), ("^a|b$", "xb", true), ("^a{,2}$", "a{,2}", true),
        ("^(?P<n>a)\\x41$", "aA", true), ("^[]a]+$", "]a", true), ("x*?y", "xxy", true),
    ])
    func `a pattern is found where RE2 finds it`(pattern: String, text: String, isFound: Bool) throws {
        #expect(try Pattern(pattern).occurs(in: text) == isFound)
    }

    @Test(arguments: ["(", "[a", "a**", "*a", "a{2,1}", "a{1001}", "\\", "(?=a)", "\\1", "[z-a]", "a)", "(?P<n"])
    func `what RE2 refuses is refused`(pattern: String) {
        #expect(throws: Pattern.Invalid.self) { try Pattern(pattern) }
    }

    @Test func `no pattern takes more than time in proportion to the text`() throws {
        // Each of these keeps a backtracking engine busy for ages.
        let text = String(repeating: "a", count: 3000) + "!"
        for pattern in ["^(a+)+$", "^(a|a)*$", "^(a*)*b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
            #expect(try !Pattern(pattern).occurs(in: text))
        }
        #expect(throws: Pattern.Invalid.self) { try Pattern("((a{100}){100}){100}") }
        #expect(throws: Pattern.Invalid.self) { try Pattern(String(repeating: "(", count: 5000)) }
    }
}
