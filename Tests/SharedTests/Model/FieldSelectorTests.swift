import Shared
import Testing

struct FieldSelectorTests {
    @Test func `signs that joining marks follow are still signs`() throws {
        let mark = "\u{0739}"
        let selector = try FieldSelector(parsing: "a=b\\,\(mark)c,\(mark)d=\(mark)e")
        #expect(
            Set(selector.requirements) == [.init("a", "b,\(mark)c"), .init("\(mark)d", "\(mark)e")])
        #expect(try FieldSelector(parsing: selector.description) == selector)
    }

    @Test(arguments: ["a=b\\", "a=b\\x", "a=b=c", "a"])
    func `what is no selector is refused`(text: String) {
        #expect(throws: Status.self) { try FieldSelector(parsing: text) }
    }
}
