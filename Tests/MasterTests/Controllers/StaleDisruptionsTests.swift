import Shared
import TestKit
import Testing

@testable import Master

struct StaleDisruptionsTests {
    private static func pod(_ reason: String, deleting: Bool = false, phase: PodStatus.Phase = .running) -> Pod {
        var pod = Sample.pod("p", node: "n", phase: phase)
        let condition = Condition("DisruptionTarget", true, reason: reason, since: Sample.start)
        pod.json["status"]["conditions"] = [condition.json]
        if deleting { pod.metadata.deletionTimestamp = Sample.start }
        return pod
    }
    private static func left(_ pod: Pod, after seconds: Int64) -> Duration? {
        StaleDisruptions.timeLeft(of: pod, now: Sample.start + .seconds(seconds))
    }

    @Test func `an announced disruption that does not come is taken back after two minutes`() {
        let announced = Self.pod("EvictionByEvictionAPI")
        #expect(Self.left(announced, after: 30) == .seconds(90))
        #expect(Self.left(announced, after: 500) == .zero)
        #expect(Self.left(Sample.pod("p"), after: 500) == nil)
    }

    @Test func `what is under way, over, or an agent's own stands`() {
        #expect(Self.left(Self.pod("EvictionByEvictionAPI", deleting: true), after: 500) == nil)
        #expect(Self.left(Self.pod("EvictionByEvictionAPI", phase: .failed), after: 500) == nil)
        #expect(Self.left(Self.pod("TerminationByKubelet"), after: 500) == nil)
    }
}
