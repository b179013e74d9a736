import Shared
import TestKit
import Testing

@testable import Master

/// Server-side apply on values: what configurations make of an object and of its owners.
struct ApplyTests {
    private static let podTemplate = Registry.builtIn.resource(group: "", version: "v1", plural: "podtemplates")

    private struct World {
        let resource: Resource
        var object: JSON
        var managed = ManagedFields()

        init() throws {
            resource = try #require(ApplyTests.podTemplate)
            object = resource.zero
        }

        mutating func apply(_ configuration: JSON, by name: String, forced: Bool = false) throws(ApplyRefusal) {
            let manager = ManagedFields.Manager(name: name, operation: .apply, apiVersion: "v1")
            let how = ManagedFields.Application(
                type: resource.mergeType, manager: manager, isForced: forced, ignored: FieldSet(),
                time: Timestamp(seconds: 0))
            var managed = managed
            let result = try managed.apply(configuration, to: object, how)
            self.managed = managed
            if let result { object = ApplyTests.stored(result) }
        }

        mutating func update(to new: JSON, by name: String) {
            let manager = ManagedFields.Manager(name: name, operation: .update, apiVersion: "v1")
            managed.update(
                Comparison(from: object, to: new, resource.mergeType), by: manager, at: Timestamp(seconds: 0))
            object = new
        }
    }

    private static func stored(_ json: JSON) -> JSON {
        let kind = GroupVersionKind(group: "", version: "v1", kind: "PodTemplate")
        return (try? Schema.decode(json, as: kind).object) ?? json
    }

    /// A configuration of a few containers with a few settings each.
    private static func random(_ seed: inout Seed, names: [String], labels: [String]) -> JSON {
        var containers: [JSON] = []
        for name in names where Bool.random(using: &seed) {
            var container: JSON = ["name": .string(name)]
            if Bool.random(using: &seed) { container["image"] = .string("i\(Int.random(in: 0...1, using: &seed))") }
            if Bool.random(using: &seed) {
                container["env"] = [["name": "E", "value": .string(String(Int.random(in: 0...1, using: &seed)))]]
            }
            if Bool.random(using: &seed) { container["args"] = ["a", "b"] }
            containers.append(container)
        }
        var configuration: JSON = ["apiVersion": "v1", "kind": "PodTemplate", "metadata": ["name": "x"]]
        if !containers.isEmpty { configuration["template"]["spec"]["containers"] = .array(containers) }
        for label in labels where Bool.random(using: &seed) {
            configuration["template"]["metadata"]["labels"][label] = "1"
        }
        if Bool.random(using: &seed), let first = labels.first {
            configuration["metadata"]["finalizers"] = [.string("example.com/\(first)")]
        }
        return configuration
    }

    @Test(arguments: 0..<200) func `applying twice changes nothing`(number: Int) throws {
        var seed = Seed(UInt64(number))
        var world = try World()
        try world.apply(
            ApplyTests.random(&seed, names: ["a", "b", "c"], labels: ["l", "m"]), by: "other", forced: true)
        let configuration = ApplyTests.random(&seed, names: ["a", "b", "c"], labels: ["l", "m"])
        try world.apply(configuration, by: "me", forced: true)
        let once = world
        try world.apply(configuration, by: "me")
        #expect(world.object == once.object, "\(seed)")
        #expect(world.managed.json == once.managed.json, "\(seed)")
    }

    @Test(arguments: 0..<200) func `appliers of different fields can come in any order`(number: Int) throws {
        var seed = Seed(UInt64(number))
        let mine = ApplyTests.random(&seed, names: ["a", "b"], labels: ["l"])
        let theirs = ApplyTests.random(&seed, names: ["c", "d"], labels: ["m"])
        var (one, other) = (try World(), try World())
        try one.apply(mine, by: "me")
        try one.apply(theirs, by: "them")
        try other.apply(theirs, by: "them")
        try other.apply(mine, by: "me")
        #expect(ApplyTests.unordered(one.object) == ApplyTests.unordered(other.object), "\(seed)")
        #expect(one.managed.json == other.managed.json, "\(seed)")
    }

    /// Lists as sets: their order follows the appliers'.
    private static func unordered(_ json: JSON) -> JSON {
        switch json {
        case .array(let items): .array(items.map(unordered).sorted { $0.sortedText < $1.sortedText })
        case .object(let members): .object(JSON.Members(members.map { ($0.key, unordered($0.value)) }))
        default: json
        }
    }

    @Test(arguments: 0..<300) func `owners own only what is there`(number: Int) throws {
        var seed = Seed(UInt64(number))
        var world = try World()
        for _ in 0..<6 {
            let name = ["one", "two", "three"].randomElement(using: &seed) ?? "one"
            let configuration = ApplyTests.random(&seed, names: ["a", "b", "c"], labels: ["l", "m"])
            if Bool.random(using: &seed) {
                try world.apply(configuration, by: name, forced: true)
            } else {
                world.update(to: ApplyTests.stored(configuration), by: name)
            }
        }
        let type = world.resource.mergeType
        // Everything that is in the object, with all that holds it.
        var present = Comparison(from: [:], to: world.object, type).written.union(FieldSet(of: world.object, type))
        // As in Kubernetes, a map whose last member an apply removes stays owned, though empty maps are not written.
        present.formUnion(FieldSet(path: ["f:template", "f:metadata", "f:labels"]))
        for entry in world.managed.entries {
            #expect(!entry.fields.set.isEmpty, "\(seed)")
            #expect(
                entry.fields.set.subtracting(present).isEmpty,
                "\(seed): \(entry.fields.set.subtracting(present).json.text)"
            )
        }
    }

    @Test func `a field that its only applier leaves out is removed`() throws {
        var world = try World()
        let label: JSON = ["template": ["metadata": ["labels": ["a": "1", "b": "1"]]]]
        try world.apply(label, by: "me")
        world.update(to: world.object, by: "nobody")
        try world.apply(["template": ["metadata": ["labels": ["a": "1"]]]], by: "me")
        #expect(world.object["template"]["metadata"]["labels"] == ["a": "1"])
    }

    @Test func `conflicts name the owner and every field`() throws {
        var world = try World()
        try world.apply(
            [
                "template": [
                    "spec": ["containers": [["name": "a", "image": "1", "env": [["name": "E", "value": "1"]]]]]
                ]
            ],
            by: "me")
        do throws(ApplyRefusal) {
            try world.apply(
                [
                    "template": [
                        "spec": ["containers": [["name": "a", "image": "2", "env": [["name": "E", "value": "2"]]]]]
                    ]
                ], by: "you")
            Issue.record("the conflict was not seen")
        } catch {
            guard case .conflicts(let conflicts) = error else {
                Issue.record("\(error)")
                return
            }
            let status = Status.applyConflict(conflicts)
            #expect(
                status.message == """
                    Apply failed with 2 conflicts: conflicts with "me":
                    - .template.spec.containers[name="a"].image
                    - .template.spec.containers[name="a"].env[name="E"].value
                    """)
            #expect(status.code == 409)
        }
    }

    @Test func `the oldest writers are united`() throws {
        var world = try World()
        for number in 0..<13 {
            var object = world.object
            object["metadata"]["labels"]["l\(number)"] = "1"
            world.update(to: object, by: "u\(number)")
        }
        let names = world.managed.entries.map(\.manager.name).sorted()
        #expect(names.count == 10)
        #expect(names.contains("ancient-changes"))
    }

    @Test func `very wide objects are compared and merged in linear time`() throws {
        var members = JSON.Members()
        for number in 0..<40_000 { members.append("key\(number)", "v") }
        var changed = JSON.Members()
        for member in members.reversed() { changed.append(member.key, "w") }
        let before: JSON = ["data": .object(members)]
        let after: JSON = ["data": .object(changed)]
        let type = MergeType.untyped
        #expect(Comparison(from: before, to: after, type).modified["f:data"]?.below.nodes.count == 40_000)
        #expect(Merging.merge(after, into: before, type)["data"].members.count == 40_000)
    }
}

extension JSON {
    fileprivate var sortedText: String {
        switch self {
        case .object(let members):
            members.sorted().map { "\($0.key):\($0.value.sortedText)" }.joined(separator: ",")
        case .array(let items): items.map(\.sortedText).joined(separator: ";")
        default: text
        }
    }
}
