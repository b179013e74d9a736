import Shared
import TestKit
import Testing

@testable import Master

struct FieldPathTests {
    private static let object: JSON = [
        "spec": ["a": 1, "l": [["n": "p"], ["n": "q"]], "x.y": "dotted"],
        "status": ["conditions": [["type": "Ready", "status": "True"], ["type": "Other", "status": "False"]]],
    ]

    @Test(arguments: [
        (".spec.a", [1] as [JSON]), (".spec.l[*].n", ["p", "q"]), (".spec.l[-1].n", ["q"]),
        (".spec['x.y']", ["dotted"]),
        (".spec.x\\.y", ["dotted"]), (".status.conditions[?(@.type==\"Ready\")].status", ["True"]),
        (".nothing.here", []),
        ("{.spec.a}", [1]), (".status.conditions[?(@.type!='Ready')].type", ["Other"]),
    ])
    func `a path leads to its values`(text: String, values: [JSON]) throws {
        #expect(try FieldPath(text).values(in: FieldPathTests.object) == values)
    }

    @Test(arguments: [".a[", ".a..b", ".a[?(@.x)]", ".a[foo]"])
    func `a path that is not understood is refused`(text: String) {
        #expect(throws: FieldPath.Invalid.self) { try FieldPath(text) }
    }
}
