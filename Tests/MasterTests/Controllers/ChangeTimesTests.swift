import Shared
import TestKit
import Testing

@testable import Master

/// The cases are those of Kubernetes's own tests of its `TriggerTimeTracker`.
struct ChangeTimesTests {
    private static func at(_ seconds: Int64) -> Timestamp { Sample.start + .seconds(seconds) }
    private static func service(_ seconds: Int64) -> ClusterService {
        var service = Sample.service()
        service.metadata.creationTimestamp = at(seconds)
        return service
    }
    private static func pod(_ name: String, _ seconds: Int64) -> Pod { Sample.pod(name, readySince: at(seconds)) }

    @Test func `of a new service its creation counts, whatever its pods are like`() {
        #expect(ChangeTimes().trigger(of: Self.service(2), []) == Self.at(2))
        let pods = [Self.pod("a", 0), Self.pod("b", 1), Self.pod("c", 5)]
        #expect(ChangeTimes().trigger(of: Self.service(3), pods) == Self.at(3))
    }

    @Test func `the earliest of the changes since the last look counts`() {
        let times = ChangeTimes()
        let service = Self.service(0)
        _ = times.trigger(of: service, [])
        #expect(times.trigger(of: service, [Self.pod("a", 2), Self.pod("b", 1)]) == Self.at(1))
        #expect(times.trigger(of: service, [Self.pod("a", 2), Self.pod("b", 4)]) == Self.at(4))
        #expect(times.trigger(of: service, [Self.pod("a", 2)]) == nil)
        #expect(times.trigger(of: Self.service(6), [Self.pod("a", 7)]) == Self.at(6))
        times.forget(service.key)
        #expect(times.trigger(of: service, []) == Self.at(0))
    }
}

struct EndpointLimitTests {
    private static func targets(ready: Int, unready: Int) -> [ServiceTarget] {
        (0..<ready + unready).compactMap { number in
            let pod = Sample.pod(
                "p\(number)", readySince: number < ready ? Sample.start : nil,
                ip: "10.0.\(number / 200).\(number % 200 + 1)")
            return ServiceTarget(pod, of: Sample.service(), family: .four, zone: "")
        }
    }
    private static func count(_ subsets: EndpointSubsets, _ list: String) -> Int {
        subsets.json.reduce(0) { $0 + $1[list].items.count }
    }

    /// Ready and other pods, and how many of each are shown of at most ten.
    static let rows: [(ready: Int, unready: Int, shown: [Int], isTruncated: Bool)] = [
        (6, 4, [6, 4], false), (6, 9, [6, 4], true), (12, 3, [10, 0], true), (10, 1, [10, 0], true),
        (0, 12, [0, 10], true),
    ]

    @Test(arguments: rows)
    func `of too many addresses those that are ready are shown first`(
        ready: Int, unready: Int, shown: [Int], isTruncated: Bool
    ) {
        let subsets = EndpointSubsets(Self.targets(ready: ready, unready: unready), limit: 10)
        #expect([Self.count(subsets, "addresses"), Self.count(subsets, "notReadyAddresses")] == shown)
        #expect(subsets.isTruncated == isTruncated)
    }

    @Test func `addresses written by hand beyond the limit of a subset are not mirrored`() {
        var endpoints = Endpoints(name: "web", namespace: "default")
        let addresses: [JSON] = (0..<1003).map { ["ip": .string("10.1.\($0 / 250).\($0 % 250 + 1)")] }
        endpoints.json["subsets"] = [["addresses": .array(addresses), "ports": [["port": 80]]]]
        let plan = MirrorPlan(endpoints, existing: [])
        #expect(plan.skipped == 3)
        #expect(plan.create.map(\.endpoints.count) == [1000])
    }
}
