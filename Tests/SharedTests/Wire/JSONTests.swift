import Testing

@testable import Shared

struct JSONTests {
    @Test(
        arguments: [
            ("0", .int(0)), ("-1", .int(-1)), ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1.5", .double(1.5)), ("1e2", .double(100)),
        ] as [(String, JSON)])
    func `numbers keep their kind`(text: String, value: JSON) throws { #expect(try JSON(parsing: text) == value) }

    @Test(arguments: [
        "01", "+1", "1.", ".5", "1e", "1e400", "nul", "tru", "{", "[1,]", "{\"a\":1,}", "\"", "\"\\x\"", "\"\\u12\"",
        "1 2", "",
        "\"\n\"", "{a:1}", "[1", "-",
    ])
    func `text that is not JSON is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: text) }
    }

    @Test func `escapes are read and written`() throws {
        let value = try JSON(parsing: #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d""#)
        #expect(value == .string("\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}\u{FFFD}"))
        #expect(JSON.string("\u{1}\"\\/\n").text == #""\u0001\"\\/\n""#)
    }

    @Test func `members keep their order, the last of two equal ones counts and is noted`() throws {
        var notes = JSONNotes()
        let value = try JSON(parsing: Array(#"{"b":1,"a":[{"x":1,"x":2}],"b":3}"#.utf8), notes: &notes)
        #expect(value.text == #"{"b":3,"a":[{"x":2}]}"#)
        #expect(notes.duplicates == ["a[0].x", "b"])
    }

    @Test func `no more members are noted than an answer may name`() throws {
        let body = "{\"a\":{" + (0..<1000).map { _ in "\"x\":0" }.joined(separator: ",") + "}}"
        var notes = JSONNotes()
        _ = try JSON(parsing: Array(body.utf8), notes: &notes)
        #expect(notes.duplicates == Array(repeating: "a.x", count: Limits.duplicatesNotedMax))
    }

    @Test(arguments: [
        (#"{"a":{"m":1},"b":"}\"{","m":{"x":[1,"]"]},"c":2}"#, #"{"x":[1,"]"]}"#),
        (#" { "m" : 12 , "m" : 13 } "#, "12"), (#"{"a":[{"m":1}],"b":true}"#, "null"), ("[1]", "null"), ("{}", "null"),
    ])
    func `one member is read without the others`(body: String, value: String) throws {
        #expect(try JSON(member: "m", parsing: Array(body.utf8)).text == value)
    }

    @Test func `a member that ends too early is refused or null`() throws {
        let whole = Array(#"{"a":"\\x","b":{"c":[1]},"m":{"x":"y"}}"#.utf8)
        let value = try JSON(member: "m", parsing: whole)
        for count in 0..<whole.count {
            let read = try? JSON(member: "m", parsing: Array(whole[..<count]))
            #expect(read == nil || read == .null || read == value)
        }
    }

    @Test func `an object with very many members is read in linear time`() throws {
        let body = "{" + (0..<100_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + ",\"k7\":0}"
        var notes = JSONNotes()
        let value = try JSON(parsing: Array(body.utf8), notes: &notes)
        #expect(value.members.count == 100_000)
        #expect(notes.duplicates == ["k7"])
    }

    @Test func `deep nesting is refused`() throws {
        let most = Limits.nestingMax
        _ = try JSON(parsing: String(repeating: "[", count: most) + String(repeating: "]", count: most))
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
    }

    @Test func `random values come back unchanged`() throws {
        var seed = Seeded(state: 9)
        for _ in 0..<500 {
            let value = seed.json(depth: 5)
            #expect(try JSON(parsing: value.encoded) == value)
            #expect(try JSON(parsing: value.pretty()) == value)
        }
    }
}
