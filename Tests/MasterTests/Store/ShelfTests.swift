import Shared
import TestKit
import Testing

@testable import Master

struct ShelfTests {
    @Test(arguments: [1, 2, 3]) func `a shelf is a sorted dictionary`(start: UInt64) {
        var seed = Seed(start)
        var shelf = Shelf()
        var model: [ObjectKey: Int64] = [:]
        for step in 0..<6_000 {
            let key = pod(
                "p\(Int.random(in: 0..<1_500, using: &seed))", namespace: "n\(Int.random(in: 0..<3, using: &seed))")
            if Int.random(in: 0..<3, using: &seed) == 0 {
                shelf.remove(key, at: Revision(Int64(step)))
                model[key] = nil
            } else {
                shelf.put(Stored(key: key, revision: Revision(Int64(step)), bytes: [], projection: Projection()))
                model[key] = Int64(step)
            }
        }
        let sorted = model.keys.sorted()
        #expect(shelf.count == model.count, "\(seed)")
        #expect(shelf.list(namespace: nil).items.map(\.key) == sorted, "\(seed)")
        #expect(shelf.list(namespace: "n1").items.map(\.key) == sorted.filter { $0.namespace == "n1" }, "\(seed)")
        for key in sorted { #expect(shelf.get(key)?.revision.number == model[key]) }
        var paged: [ObjectKey] = []
        var after: ObjectKey?
        while true {
            let page = shelf.list(namespace: "n2", after: after, limit: 97)
            paged += page.items.map(\.key)
            after = paged.last
            if page.remaining == 0 { break }
        }
        #expect(paged == sorted.filter { $0.namespace == "n2" }, "\(seed)")
        #expect(Shelf(shelf.list(namespace: nil).items.reversed()).list(namespace: nil).items.map(\.key) == sorted)
    }

    @Test func `a projection survives its compact form, and a damaged form is none`() {
        let projection = Projection(
            uid: "u-1", labels: ["app": "web", "日本": "語"], fields: ["spec.nodeName": "n"], owners: ["a", "b"],
            deleting: true)
        let bytes = projection.encoded(version: 3)
        #expect(Projection(bytes, version: 3) == projection)
        #expect(Projection(bytes, version: 4) == nil)
        for count in 0..<bytes.count { #expect(Projection(Array(bytes.prefix(count)), version: 3) == nil) }
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] = 0xFF
            _ = Projection(damaged, version: 3)
        }
    }
}
