import Shared
import Testing

@testable import Console

struct YAMLTextTests {
    @Test func `an object reads as block style`() throws {
        let json = try JSON(
            parsing:
                #"{"a":1,"b":{"c":[{"d":"x","e":"y"},"true"],"f":{},"g":[]},"h":"two\nlines\n","i":"1e3","j":"no","k":"10.0.0.1","l":"a: b","m":null}"#
        )
        let text = YAMLText.lines(json).map(\.text).joined(separator: "\n")
        #expect(
            text == """
                a: 1
                b:
                  c:
                  - d: x
                    e: "y"
                  - "true"
                  f: {}
                  g: []
                h: |
                  two
                  lines
                i: "1e3"
                j: "no"
                k: 10.0.0.1
                l: "a: b"
                m: null
                """)
    }
}
