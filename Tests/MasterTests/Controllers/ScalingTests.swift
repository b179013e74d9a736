import Shared
import TestKit
import Testing

@testable import Master

struct DisruptionBudgetsTests {
    private func budget(_ spec: JSON) -> PodDisruptionBudget {
        var budget = PodDisruptionBudget(name: "b", namespace: "default")
        budget.metadata.generation = 1
        budget.json["spec"] = spec
        return budget
    }
    private func status(_ spec: JSON, ready: Int, total: Int, replicas: Int) -> JSON {
        let pods = (0..<total).map { Sample.pod("p\($0)", readySince: $0 < ready ? Sample.start : nil) }
        let budget = budget(spec)
        return BudgetPlan(
            budget, pods: pods, expected: BudgetPlan.expectation(budget, pods: pods, replicas: replicas),
            now: Sample.start
        ).status
    }

    /// Specification, ready pods, all pods, wanted pods, allowed disruptions.
    static let budgets: [(JSON, Int, Int, Int, Int)] = [
        (["minAvailable": 1], 3, 3, 3, 2), (["minAvailable": "30%"], 4, 4, 4, 2),
        (["minAvailable": "100%"], 3, 3, 3, 0), (["maxUnavailable": 1], 3, 3, 3, 1),
        (["maxUnavailable": "50%"], 3, 3, 3, 2), (["minAvailable": 2], 1, 3, 3, 0), (["minAvailable": 1], 0, 0, 0, 0),
    ]

    @Test(arguments: budgets) func `a budget allows what leaves enough healthy pods`(
        spec: JSON, ready: Int, total: Int, replicas: Int, allowed: Int
    ) {
        #expect(status(spec, ready: ready, total: total, replicas: replicas)["disruptionsAllowed"].int == allowed)
    }

    @Test func `a granted eviction counts until it is carried out or overdue`() {
        var budget = budget(["minAvailable": 1])
        budget.json["status"] = ["disruptedPods": ["p0": .string(Sample.start.rfc3339)]]
        let pods = (0..<3).map { Sample.pod("p\($0)", readySince: Sample.start) }
        let expected = BudgetPlan.expectation(budget, pods: pods, replicas: 0)
        let soon = BudgetPlan(budget, pods: pods, expected: expected, now: Sample.start + .seconds(1))
        #expect(soon.status["disruptionsAllowed"].int == 1)
        #expect(soon.again == .seconds(119))
        let late = BudgetPlan(budget, pods: pods, expected: expected, now: Sample.start + .seconds(121))
        #expect(late.overdue.map(\.name) == ["p0"])
        #expect(late.status["disruptionsAllowed"].int == 2)
    }
}

struct AutoscalersTests {
    private let now = Sample.start + .seconds(1000)

    private func pod(_ name: String, ready: Bool = true) -> Pod {
        var pod = Sample.pod(name, readySince: ready ? Sample.start : nil)
        pod.json["status"]["startTime"] = .string(Sample.start.rfc3339)
        if !ready { pod.json["status"]["conditions"] = [Condition("Ready", false, since: Sample.start).json] }
        return pod
    }
    private func calculation(_ pods: [Pod], current: Int) -> ReplicaCalculation {
        ReplicaCalculation(pods: pods, current: current, isCPU: true, tolerance: .init(), now: now)
    }
    private func metrics(_ values: [Int]) -> [String: PodMetric] {
        Dictionary(
            uniqueKeysWithValues: values.enumerated().map {
                ("p\($0.offset)", PodMetric(value: $0.element, time: now, window: .seconds(15)))
            })
    }

    @Test(arguments: [([200, 200], 4), ([100, 100], 2), ([104, 104], 2), ([50, 50], 1), ([150, 150], 3)])
    func `usage against the target gives the count`(values: [Int], wanted: Int) throws {
        let result = try calculation([pod("p0"), pod("p1")], current: 2).utilization(
            metrics(values), requests: ["p0": 200, "p1": 200], target: 50)
        #expect(result.replicas == wanted)
    }

    @Test func `a pod without metrics slows a change down`() throws {
        let pods = [pod("p0"), pod("p1"), pod("p2")]
        let requests = ["p0": 100, "p1": 100, "p2": 100]
        let up = try calculation(pods, current: 3).utilization(metrics([200, 200]), requests: requests, target: 100)
        #expect(up.replicas == 4)
        let down = try calculation(pods, current: 3).utilization(metrics([10, 10]), requests: requests, target: 100)
        #expect(down.replicas == 2)
    }

    @Test func `a pod that was never ready does not count as busy`() throws {
        let result = try calculation([pod("p0"), pod("p1", ready: false)], current: 2).utilization(
            metrics([300, 900]), requests: ["p0": 100, "p1": 100], target: 100)
        #expect(result.replicas == 3)
    }

    @Test func `a value for all counts with the ready pods, a share with those that there are`() throws {
        let calculation = calculation([pod("p0"), pod("p1"), pod("p2", ready: false)], current: 3)
        #expect(try calculation.total(3000, target: 1000).replicas == 6)
        #expect(try calculation.total(1050, target: 1000).replicas == 3)
        #expect(calculation.share(3100, of: 3, target: 1000).replicas == 3)
        let shared = calculation.share(4100, of: 3, target: 1000)
        #expect(shared.replicas == 5 && shared.average == 1367)
        #expect(throws: ReplicaCalculation.Failure.self) {
            try self.calculation([], current: 1).total(3000, target: 1000)
        }
    }

    @Test func `memory is shown in powers of 1024`() {
        #expect(MetricQuestion.amount(282_624_000, of: "memory") == "276Ki")
        #expect(MetricQuestion.amount(282_624_500, of: "memory") == "282625")
        #expect(MetricQuestion.amount(150, of: "cpu") == "150m")
    }

    @Test func `no metrics and no pods are said`() {
        #expect(throws: ReplicaCalculation.Failure.self) {
            try calculation([], current: 1).average([:], target: 100)
        }
    }

    private func scaler(_ behavior: JSON? = nil) -> HorizontalPodAutoscaler {
        var scaler = HorizontalPodAutoscaler(name: "h", namespace: "default")
        scaler.json["spec"] = ["minReplicas": 1, "maxReplicas": 20]
        scaler.json["spec"].set("behavior", behavior)
        return scaler
    }

    @Test func `growth is limited to twice as many or four at a time`() {
        var history = ScalingHistory()
        let one = ScalingDecision(scaler(), current: 1, desired: 20, history: &history, now: now)
        #expect(one.replicas == 4)
        #expect(one.limited.reason == "ScaleUpLimit")
        history = ScalingHistory()
        #expect(ScalingDecision(scaler(), current: 6, desired: 20, history: &history, now: now).replicas == 12)
        history = ScalingHistory()
        let most = ScalingDecision(scaler(), current: 15, desired: 40, history: &history, now: now)
        #expect(most.replicas == 20)
        #expect(most.limited.reason == "TooManyReplicas")
    }

    @Test func `a fall waits for five minutes without a higher wish`() {
        var history = ScalingHistory()
        history.recommendations = [.init(time: now, count: 5)]
        let early = ScalingDecision(scaler(), current: 5, desired: 1, history: &history, now: now + .seconds(100))
        #expect(early.replicas == 5)
        #expect(early.able.reason == "ScaleDownStabilized")
        let late = ScalingDecision(scaler(), current: 5, desired: 1, history: &history, now: now + .seconds(301))
        #expect(late.replicas == 1)
    }

    @Test func `without a behavior the highest wish of five minutes is gone after`() {
        var history = ScalingHistory()
        let first = ScalingDecision(scaler(), current: 1, desired: 10, history: &history, now: now)
        #expect(first.replicas == 4)
        let next = ScalingDecision(scaler(), current: 4, desired: 3, history: &history, now: now + .seconds(15))
        #expect(next.replicas == 8)
        #expect(next.able.reason == "ScaleDownStabilized")
        #expect(next.limited.reason == "ScaleUpLimit")
    }

    @Test func `policies of a behavior bound what happens in their period`() {
        let behavior: JSON = [
            "scaleUp": ["policies": [["type": "Pods", "value": 2, "periodSeconds": 60]]],
            "scaleDown": [
                "stabilizationWindowSeconds": 0, "policies": [["type": "Percent", "value": 10, "periodSeconds": 60]],
            ],
        ]
        var history = ScalingHistory()
        let up = ScalingDecision(scaler(behavior), current: 3, desired: 10, history: &history, now: now)
        #expect(up.replicas == 5)
        history.scaled(from: 3, to: 5, at: now)
        let again = ScalingDecision(
            scaler(behavior), current: 5, desired: 10, history: &history, now: now + .seconds(30))
        #expect(again.replicas == 5)
        history = ScalingHistory()
        let down = ScalingDecision(scaler(behavior), current: 10, desired: 1, history: &history, now: now)
        #expect(down.replicas == 9)
        let disabled: JSON = ["scaleDown": ["selectPolicy": "Disabled", "stabilizationWindowSeconds": 0]]
        history = ScalingHistory()
        #expect(ScalingDecision(scaler(disabled), current: 10, desired: 1, history: &history, now: now).replicas == 10)
    }

    /// Whatever metrics ask for, the count stays within its bounds and moves towards the wish or not at all.
    @Test(arguments: Seeds.tried()) func `decisions stay within bounds`(seed: UInt64) {
        var random = Seed(seed)
        var history = ScalingHistory()
        var current = Int.random(in: 1...20, using: &random)
        var time = now
        for _ in 0..<50 {
            let desired = Int.random(in: 0...40, using: &random)
            let highest = max(desired, history.recommendations.suffix(19).map(\.count).max() ?? 0)
            let decision = ScalingDecision(scaler(), current: current, desired: desired, history: &history, now: time)
            #expect((1...20).contains(decision.replicas), "seed \(seed)")
            if decision.replicas > current { #expect(highest > current, "seed \(seed)") }
            if decision.replicas < current { #expect(desired < current, "seed \(seed)") }
            history.scaled(from: current, to: decision.replicas, at: time)
            current = decision.replicas
            time = time + .seconds(15)
        }
    }
}
