import Shared
import TestKit
import Testing

@testable import Master

struct SchedulingQueueTests {
    private static func key(_ name: String) -> ObjectKey {
        ObjectKey(Pod.type.resource, namespace: "default", name: name)
    }
    private static let filters = Filter.standard
    private static func index(_ name: String) -> Int { filters.firstIndex { $0.name == name } ?? 0 }

    @Test func `the most important pod comes first, then the one that waits longest`() {
        var queue = SchedulingQueue()
        for (name, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", 9), ("e", 5)] {
            queue.add(SchedulingQueueTests.key(name), priority: priority)
        }
        var order: [String] = []
        while let next = queue.next() { order.append(next.name) }
        #expect(order == ["d", "b", "e", "a", "c"])
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `every pod comes once, in the order of priority`(seed: Seed) {
        var random = seed
        var queue = SchedulingQueue()
        var priorities: [String: Int] = [:]
        for number in 0..<60 {
            let name = "p\(number % 40)"
            let priority = Int.random(in: -3..<4, using: &random)
            priorities[name] = priority
            queue.add(SchedulingQueueTests.key(name), priority: priority)
        }
        var seen: [String] = []
        while let next = queue.next() { seen.append(next.name) }
        #expect(Set(seen).count == seen.count && seen.count == priorities.count, "\(seed)")
        let order = seen.compactMap { priorities[$0] }
        #expect(order == order.sorted(by: >), "\(seed)")
    }

    @Test func `a pod without room is woken by a pod that leaves and by a node with room, not by other things`() {
        var queue = SchedulingQueue()
        let pod = PodDemand(PlacerTests.pod("p", PlacerTests.asking(cpu: "2")))
        let refusers: Set<Int> = [SchedulingQueueTests.index("NodeResourcesFit")]
        func wake(_ event: ClusterEvent, at now: Duration) -> [Duration] {
            queue.wake(by: event, now: now) { _ in SchedulingQueueTests.filters }.map(\.after)
        }
        queue.add(pod.key, priority: 0)
        #expect(queue.next() == pod.key)
        let isStale = queue.park(pod, refusers: refusers, of: SchedulingQueueTests.filters, now: .zero)
        #expect(!isStale)
        #expect(wake(.node(NodeSummary(Sample.node("small", cpu: "1")), isMoved: true), at: .zero).isEmpty)
        #expect(wake(.podCame(pod), at: .zero).isEmpty)
        #expect(
            wake(.node(NodeSummary(Sample.node("large", cpu: "4")), isMoved: true), at: .milliseconds(400))
                == [.milliseconds(600)])
        #expect(queue.next() == nil)
        let early = queue.ripen(pod.key, now: .milliseconds(500))
        #expect(early == .milliseconds(500))
        let ripe = queue.ripen(pod.key, now: .seconds(1))
        #expect(ripe == nil)
        #expect(queue.next() == pod.key)
        // The second wait is twice as long.
        _ = queue.park(pod, refusers: refusers, of: SchedulingQueueTests.filters, now: .seconds(1))
        #expect(wake(.podLeft(pod), at: .seconds(1)) == [.seconds(2)])
    }

    @Test func `a taint that goes wakes those who did not tolerate it`() {
        var queue = SchedulingQueue()
        let pod = PodDemand(PlacerTests.pod("p"))
        queue.add(pod.key, priority: 0)
        _ = queue.next()
        _ = queue.park(
            pod, refusers: [SchedulingQueueTests.index("TaintToleration")], of: SchedulingQueueTests.filters,
            now: .zero)
        let other = Taint("other", value: "", effect: "NoSchedule")
        let still = queue.wake(
            by: .node(NodeSummary(Sample.node("a", taints: [other])), isMoved: false), now: .zero
        ) { _ in SchedulingQueueTests.filters }
        #expect(still.isEmpty)
        let gone = queue.wake(by: .node(NodeSummary(Sample.node("a")), isMoved: false), now: .zero) { _ in
            SchedulingQueueTests.filters
        }
        #expect(gone.map(\.key) == [pod.key])
    }

    @Test func `a pod that changes while it is placed gets another turn`() {
        var queue = SchedulingQueue()
        let pod = PodDemand(PlacerTests.pod("p"))
        queue.add(pod.key, priority: 0)
        _ = queue.next()
        queue.add(pod.key, priority: 7)
        #expect(queue.next() == nil)
        let isStale = queue.park(pod, refusers: [], of: SchedulingQueueTests.filters, now: .zero)
        #expect(isStale)
        #expect(queue.next() == pod.key)
    }

    @Test func `a forgotten pod does not come back`() {
        var queue = SchedulingQueue()
        let key = SchedulingQueueTests.key("p")
        queue.add(key, priority: 0)
        queue.forget(key)
        #expect(queue.next() == nil)
        let delay = queue.ripen(key, now: .seconds(999))
        #expect(delay == nil)
        #expect(queue.next() == nil)
    }
}
