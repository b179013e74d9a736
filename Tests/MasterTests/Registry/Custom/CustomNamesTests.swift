import Shared
import TestKit
import Testing

@testable import Master

struct CustomNamesTests {
    private static func definition(_ plural: String, kind: String, short: [String] = [], accepted: Bool = false) -> JSON
    {
        var names: JSON = [
            "plural": .string(plural), "singular": .string(kind.lowercased()), "kind": .string(kind),
            "listKind": .string("\(kind)List"),
        ]
        if !short.isEmpty { names["shortNames"] = JSON(short) }
        return [
            "metadata": ["name": .string("\(plural).example.com")],
            "spec": ["group": "example.com", "names": names],
            "status": ["acceptedNames": accepted ? names : ["plural": "", "kind": ""]],
        ]
    }
    private static func plan(_ definition: JSON, _ others: [JSON]) -> CustomNamesPlan {
        .make(definition, others: others, now: Sample.start)
    }

    @Test func `free names are accepted and the definition is served`() {
        let plan = CustomNamesTests.plan(CustomNamesTests.definition("things", kind: "Thing", short: ["th"]), [])
        #expect(plan.acceptedNames["shortNames"] == ["th"])
        #expect(
            plan.conditions.map { "\($0.type) \($0.status) \($0.reason)" } == [
                "NamesAccepted True NoConflicts", "Established True InitialNamesAccepted",
            ])
    }

    @Test func `a kind or a short name that is taken is named, and the rest is accepted`() {
        let first = CustomNamesTests.definition("as", kind: "A", short: ["x"], accepted: true)
        let sameKind = CustomNamesTests.plan(CustomNamesTests.definition("bs", kind: "A"), [first])
        #expect(sameKind.acceptedNames["plural"] == "bs" && sameKind.acceptedNames["kind"] == "")
        #expect(
            sameKind.conditions.map { "\($0.type) \($0.status) \($0.reason) \($0.message)" } == [
                "NamesAccepted False ListKindConflict \"AList\" is already in use",
                "Established False NotAccepted not all names are accepted",
            ])
        let sameShort = CustomNamesTests.plan(CustomNamesTests.definition("bs", kind: "B", short: ["x"]), [first])
        #expect(sameShort.acceptedNames["kind"] == "B" && sameShort.acceptedNames["shortNames"].isNull)
        #expect(sameShort.conditions.first?.message == "\"x\" is already in use")
    }

    @Test func `what was served once stays so when a new name collides`() {
        var definition = CustomNamesTests.definition("bs", kind: "B", accepted: true)
        definition["status"]["conditions"] = [Condition("Established", true, since: Sample.start).json]
        definition["spec"]["names"]["shortNames"] = ["x"]
        let plan = CustomNamesTests.plan(
            definition, [CustomNamesTests.definition("as", kind: "A", short: ["x"], accepted: true)])
        #expect(plan.conditions.first("Established")?.isTrue == true)
        #expect(plan.conditions.first("NamesAccepted")?.isTrue == false)
    }
}
