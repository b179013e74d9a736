import Shared
import Testing

@testable import Console

struct TimelineTests {
    private func pod(
        _ name: String, _ node: String, restarts: Int = 0, state: JSON = ["running": [:]], ready: Bool = true,
        lastState: JSON = [:], deleting: Bool = false
    ) -> Item {
        var json = FakeCluster.pod(
            name, app: "web", hash: "7c9f6d", node: node, restarts: restarts, state: state, ready: ready,
            lastState: lastState)
        if deleting { json["metadata"]["deletionTimestamp"] = .string(FakeCluster.ago(0)) }
        return Item.project(json, Pod.type)
    }
    private func story(_ resource: Resource, _ changes: [(old: Item?, new: Item?)]) -> [String] {
        var timeline = Timeline()
        timeline.observe(resource, changes, isFirstList: false, now: FakeCluster.now)
        return timeline.moments.map { "\($0.subject) \($0.text)" }
    }

    @Test func `a crash is told as an exit and a restart`() {
        let exit: JSON = [
            "terminated": ["exitCode": 137, "reason": "OOMKilled", "finishedAt": .string(FakeCluster.ago(1))]
        ]
        let told = story(
            .pods,
            [
                (pod("web-7c9f6d-a", "node-1"), pod("web-7c9f6d-a", "node-1", state: exit, ready: false)),
                (
                    pod("web-7c9f6d-a", "node-1", state: exit, ready: false),
                    pod("web-7c9f6d-a", "node-1", restarts: 1, lastState: exit)
                ),
            ])
        #expect(
            told == [
                "web-a ended: exit 137 OOMKilled", "web-a OOMKilled, exit 137 OOMKilled", "web-a is restarted (×1)",
                "web-a runs again on node-1",
            ])
    }

    @Test func `a pod that comes back elsewhere names where it was`() {
        let told = story(
            .pods,
            [
                (pod("web-7c9f6d-a", "node-2"), nil), (nil, pod("web-7c9f6d-b", "", ready: false)),
                (pod("web-7c9f6d-b", "", ready: false), pod("web-7c9f6d-b", "node-3", ready: false)),
            ])
        #expect(told == ["web-a is gone from node-2", "web-b is created", "web-b replaces web-a: node-2 → node-3"])
    }

    @Test func `a lost node and moved endpoints are told`() {
        let node = { (ready: Bool) in Item.project(FakeCluster.node("node-2", ready: ready), Node.type) }
        #expect(
            story(.nodes, [(node(true), node(false))]) == [
                "node-2 is lost: NodeStatusUnknown: the agent stopped renewing its lease"
            ])
        #expect(story(.nodes, [(node(false), node(true))]) == ["node-2 is ready"])
        let slice = { (pods: [String]) in Item.project(FakeCluster.slice("web", pods), EndpointSlice.type) }
        #expect(story(.endpointSlices, [(slice(["a", "b"]), slice(["a"]))]) == ["web endpoints 2 → 1"])
        #expect(
            story(.endpointSlices, [(slice(["a", "b"]), slice(["a", "c"]))]) == [
                "web endpoints moved, 2 endpoints ready"
            ])
    }

    @Test func `the first list makes no story and the story is bounded`() {
        var timeline = Timeline()
        timeline.observe(.pods, [(nil, pod("web-7c9f6d-a", "node-1"))], isFirstList: true, now: FakeCluster.now)
        #expect(timeline.moments.isEmpty)
        for index in 0..<2_000 {
            timeline.observe(.pods, [(nil, pod("p\(index)", "node-1"))], isFirstList: false, now: FakeCluster.now)
        }
        #expect(timeline.moments.count == Limits.momentsMax)
    }
}
