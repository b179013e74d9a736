import Shared
import TestKit
import Testing

@testable import Master

struct SchedulerConfigurationTests {
    private static let head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
    private static func read(_ text: String) throws(UsageError) -> SchedulerConfiguration {
        try SchedulerConfiguration(parsing: Array((head + text).utf8), file: "f.yaml")
    }

    @Test func `profiles choose filters, scores and their weights`() throws {
        let configuration = try SchedulerConfigurationTests.read(
            """
            podInitialBackoffSeconds: 2
            profiles:
            - schedulerName: packed
              plugins:
                score:
                  disabled: [{name: NodeResourcesBalancedAllocation}, {name: ImageLocality}]
                  enabled: [{name: NodeResourcesFit, weight: 7}]
                filter:
                  disabled: [{name: TaintToleration}]
                postFilter:
                  disabled: [{name: "*"}, {name: DefaultPreemption}]
              pluginConfig:
              - name: NodeResourcesFit
                args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 3}]}}
              - name: InterPodAffinity
                args: {hardPodAffinityWeight: 9}
            - schedulerName: plain
            """)
        #expect(configuration.firstBackoff == .seconds(2))
        #expect(configuration.profiles.map(\.name) == ["packed", "plain"])
        let packed = configuration.profiles[0]
        #expect(!packed.preempts)
        #expect(packed.hardAffinityWeight == 9)
        #expect(packed.scores.first { $0.name == "NodeResourcesFit" }?.weight == 7)
        #expect(!packed.scores.contains { $0.name == "ImageLocality" })
        #expect(packed.filters.map(\.name) == Filter.standard.map(\.name).filter { $0 != "TaintToleration" })
        // What is fuller is preferred.
        let busy = PlacerTests.pod("busy", PlacerTests.asking(cpu: "2"), node: "a")
        var snapshot = PlacerTests.snapshot(["a", "b"].map { Sample.node($0) }, [busy])
        var placer = Placer(random: Seed(1))
        let pod = PodDemand(PlacerTests.pod("p", PlacerTests.asking(cpu: "1")))
        #expect(placer.place(pod, in: &snapshot, packed) == .node("a"))
        #expect(placer.place(pod, in: &snapshot, configuration.profiles[1]) == .node("b"))
    }

    @Test(arguments: [
        ("profiles: [{plugins: {filter: {enabled: [{name: Mine}]}}}]", "Mine"),
        ("profiles: [{plugins: {bind: {disabled: [{name: DefaultBinder}]}}}]", "plugins.bind"),
        ("profiles: [{schedulerName: a}, {schedulerName: a}]", "schedulerName a"),
        ("profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {}}}]}]", "NodeAffinity"),
        ("percentageOfNodesToScore: 101", "percentageOfNodesToScore"), ("extenders: [{}]", "extenders"),
        ("---\nkind: X", "one KubeSchedulerConfiguration"),
    ])
    func `what is not supported is refused by name`(text: String, word: String) {
        let error = #expect(throws: UsageError.self) { try SchedulerConfigurationTests.read(text) }
        #expect(error?.description.contains(word) ?? false, "\(error?.description ?? "")")
    }
}
