import Shared
import Testing

@testable import Console

struct RowIndexTests {
    private func item(_ name: String, restarts: Int) -> Item {
        Item.project(FakeCluster.pod(name, app: "a", node: "n", restarts: restarts), Pod.type)
    }

    @Test(arguments: [1, 2, 3, 4, 5]) func `changes one by one end in the same order as sorting anew`(seed: Int) {
        var random = Scramble(state: UInt64(seed))
        var index = RowIndex()
        index.order = { .number(Double($0.pod?.restarts ?? 0)) }
        index.isDescending = seed % 2 == 0
        index.isMember = { !$0.name.hasSuffix("3") }
        let withoutFours: @Sendable (Item) -> Bool = { !$0.name.hasSuffix("4") }
        index.filter(seed % 3 == 0 ? nil : withoutFours, narrowing: false)
        var items: [Item.Key: Item] = [:]
        for _ in 0..<500 {
            let name = "p\(Int.random(in: 0..<60, using: &random))"
            let key = Item.Key(namespace: "default", name: name)
            let old = items[key]
            let new: Item? =
                Int.random(in: 0..<4, using: &random) == 0
                ? nil : item(name, restarts: Int.random(in: 0..<5, using: &random))
            if old == nil, new == nil { continue }
            items[key] = new
            let applied = index.apply([(old, new)])
            #expect(applied)
        }
        var fresh = index
        fresh.rebuild(items.values)
        #expect(index.entries.map(\.key) == fresh.entries.map(\.key))
        #expect(index.total == fresh.total)
    }

    @Test(arguments: [1, 2, 3]) func `many changes at once end in the same order as sorting anew`(seed: Int) {
        var random = Scramble(state: UInt64(seed))
        var index = RowIndex()
        index.order = { .number(Double($0.pod?.restarts ?? 0)) }
        index.filter({ !$0.name.hasSuffix("4") }, narrowing: false)
        var items: [Item.Key: Item] = [:]
        for _ in 0..<20 {
            var changes: [(old: Item?, new: Item?)] = []
            for _ in 0..<200 {
                let name = "p\(Int.random(in: 0..<300, using: &random))"
                let key = Item.Key(namespace: "default", name: name)
                let new: Item? =
                    Int.random(in: 0..<4, using: &random) == 0
                    ? nil : item(name, restarts: Int.random(in: 0..<5, using: &random))
                if items[key] == nil, new == nil { continue }
                changes.append((items[key], new))
                items[key] = new
            }
            let applied = index.apply(changes)
            #expect(applied)
        }
        var fresh = index
        fresh.rebuild(items.values)
        #expect(index.entries.map(\.key) == fresh.entries.map(\.key))
        #expect(index.entries.map { $0.item.pod?.restarts } == fresh.entries.map { $0.item.pod?.restarts })
        #expect(index.total == items.count)
    }

    @Test func `a filter that narrows finds what the whole one finds`() {
        #expect(Filter("web-1").narrows(Filter("web")))
        #expect(!Filter("web").narrows(Filter("web-1")))
        #expect(!Filter("!web-1").narrows(Filter("!web")))
        #expect(!Filter("w.*b").narrows(Filter("w")))
        #expect(Filter("we").narrows(Filter("")))
    }

    struct Scramble: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    @Test(arguments: [
        ("web", true), ("WEB", true), ("!web", false), ("w.*b", true), ("^eb", false), ("a b", false),
        ("two words", true), ("-f wb", true), ("-l app=web", true), ("-l app!=web", false),
        ("!-l app=web", false), ("(", false), ("", true),
    ])
    func `a filter lets through what it says`(text: String, passes: Bool) {
        #expect(Filter(text).matches(["my-web-1", "two words"], labels: ["app": "web"]) == passes)
    }
}
