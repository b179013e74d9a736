import Shared
import TestKit
import Testing

@testable import Master

struct FieldSetTests {
    private static func set(_ text: String) -> FieldSet {
        guard let json = try? JSON(parsing: text), let set = FieldSet(json) else { return FieldSet() }
        return set
    }

    @Test func `a set is read and written in the form that objects carry`() throws {
        let text = #"{"f:a":{".":{},"f:b":{}},"f:c":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}}},"f:d":{"v:\"z\"":{}}}"#
        let json = try JSON(parsing: text)
        let set = try #require(FieldSet(json))
        #expect(set.json == json)
        #expect(set.contains(path: ["f:a"]))
        #expect(!set.contains(path: ["f:c"]))
        #expect(set.contains(path: ["f:c", #"k:{"name":"x"}"#, "f:name"]))
    }

    @Test func `keys are spelled alike whatever their order`() {
        let one = FieldSetTests.set(#"{"k:{\"protocol\": \"TCP\", \"port\": 80}":{}}"#)
        #expect(one.contains(path: [#"k:{"port":80,"protocol":"TCP"}"#]))
    }

    @Test(arguments: [#"{"x:a":{}}"#, #"{"f:a":1}"#, #"{"k:[1]":{}}"#, "[]"])
    func `what is no set is refused`(text: String) throws {
        #expect(FieldSet(try JSON(parsing: text)) == nil)
    }

    @Test(arguments: 0..<64) func `operations agree with those on lists of places`(number: Int) {
        var seed = Seed(UInt64(number))
        let (left, right) = (FieldSetTests.random(&seed), FieldSetTests.random(&seed))
        func paths(_ set: FieldSet) -> Set<[String]> {
            var paths: Set<[String]> = []
            set.forEachPath { paths.insert($0) }
            return paths
        }
        let (a, b) = (paths(left), paths(right))
        #expect(paths(left.union(right)) == a.union(b), "\(seed)")
        #expect(paths(left.intersection(right)) == a.intersection(b), "\(seed)")
        #expect(paths(left.subtracting(right)) == a.subtracting(b), "\(seed)")
        let below = a.filter { path in !(1...path.count).contains { b.contains(Array(path.prefix($0))) } }
        #expect(paths(left.subtractingAll(below: right)) == below, "\(seed)")
        #expect(FieldSet(left.json) == left, "\(seed)")
    }

    private static func random(_ seed: inout Seed) -> FieldSet {
        var set = FieldSet()
        for _ in 0..<Int.random(in: 0...12, using: &seed) {
            let path = (0..<Int.random(in: 1...4, using: &seed)).map { _ in "f:\(Int.random(in: 0...3, using: &seed))" }
            set.formUnion(FieldSet(path: path))
        }
        return set
    }
}
