import Shared
import TestKit
import Testing

@testable import Master

struct SnapshotTests {
    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `differences lead to what a fresh count would show`(seed: Seed) {
        var random = seed
        var snapshot = Snapshot()
        var nodes: Set<String> = []
        var places: [String: String] = [:]
        var pods: [String: PodDemand] = [:]
        for _ in 0..<120 {
            let node = "n\(Int.random(in: 0..<5, using: &random))"
            let name = "p\(Int.random(in: 0..<20, using: &random))"
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                _ = snapshot.put(Sample.node(node))
                nodes.insert(node)
            case 1:
                snapshot.remove(node: node)
                nodes.remove(node)
            case 2:
                snapshot.remove(pod: "uid-\(name)")
                places[name] = nil
            default:
                let milli = Int.random(in: 0..<900, using: &random)
                let pod = PodDemand(PlacerTests.pod(name, PlacerTests.asking(cpu: "\(milli)m")))
                snapshot.place(pod, on: node)
                places[name] = node
                pods[name] = pod
            }
        }
        #expect(Set(snapshot.nodes.map(\.name)) == nodes, "\(seed)")
        for node in snapshot.nodes {
            let own = places.filter { $0.value == node.name }.compactMap { pods[$0.key] }
            #expect(node.pods.count == own.count, "\(seed)")
            #expect(node.used.cpu == own.reduce(0) { $0 + $1.requests.cpu }, "\(seed)")
        }
    }

    @Test func `bound pods of a node that is not known yet count when it appears`() {
        var snapshot = Snapshot()
        snapshot.place(PodDemand(PlacerTests.pod("p", PlacerTests.asking(cpu: "1"))), on: "late")
        let isNews = snapshot.put(Sample.node("late")) != nil
        #expect(isNews)
        #expect(snapshot.node("late")?.used.cpu == 1000)
        let again = [
            snapshot.put(Sample.node("late")) != nil, snapshot.put(Sample.node("late", labels: ["a": "b"])) != nil,
        ]
        #expect(again == [false, true])
    }
}
