import Shared
import TestKit
import Testing

@testable import Master

/// Autoscalers whose metrics come and go, under a load that moves.
struct AutoscalerTests {
    /// What a pod asks for, and what it is to use of it: thousandths of a processor.
    private static let (request, wanted) = (200, 100)

    private static func deployment() -> Deployment {
        var deployment = InProcessCluster.deployment(replicas: 2)
        deployment.json["spec"]["template"]["spec"]["containers"] = [
            [
                "name": "main", "image": "run:1",
                "resources": ["requests": ["cpu": .string("\(request)m"), "memory": "1Mi"]],
            ]
        ]
        return deployment
    }

    /// - Parameter window: seconds over which fewer pods must have been enough.
    private static func scaler(_ range: ClosedRange<Int>, window: Int) -> HorizontalPodAutoscaler {
        var scaler = HorizontalPodAutoscaler(name: "h", namespace: "default")
        scaler.json["spec"] = [
            "minReplicas": JSON(range.lowerBound), "maxReplicas": JSON(range.upperBound),
            "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"],
            "metrics": [
                [
                    "type": "Resource",
                    "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 50]],
                ]
            ],
            "behavior": ["scaleDown": ["stabilizationWindowSeconds": JSON(window)]],
        ]
        return scaler
    }

    /// The counts that were asked for, with the time at which the test saw each first.
    private struct Course {
        var steps: [(time: Duration, count: Int)] = []
        /// Revisions at which the test itself set the count.
        var own: Set<Revision> = []

        mutating func run(_ cluster: InProcessCluster, for seconds: Int) async throws {
            for _ in 0..<(seconds + 4) / 5 {
                try await cluster.run(for: .seconds(5))
                let count = try await cluster.client.get(Deployment.self, namespace: "default", name: "web").replicas
                if steps.last?.count != count { steps.append((cluster.clock.uptime(), count)) }
            }
        }
        /// The last count was set by the test: what follows is measured from here.
        mutating func setByHand(_ count: Int, _ cluster: InProcessCluster) async throws {
            let deployment = try await cluster.client.patch(
                Deployment.self, namespace: "default", name: "web", .merge, ["spec": ["replicas": JSON(count)]])
            own.insert(try #require(deployment.metadata.revision))
            steps = [(cluster.clock.uptime(), count)]
        }
        /// No more pods were taken away than had been too many all through the window.
        func expectSteady(window: Int, _ seed: UInt64) {
            for (index, step) in steps.enumerated().dropFirst() where step.count < steps[index - 1].count {
                // What was asked for within the window is the least that is kept; the test looks every five seconds.
                let recent = steps[..<index].lastIndex { step.time - $0.time > .seconds(window - 10) } ?? 0
                let raised = steps[recent..<index].indices.dropFirst().filter { steps[$0].count > steps[$0 - 1].count }
                let least = raised.map { steps[$0].count }.max() ?? 0
                #expect(step.count >= least, "seed \(seed): \(steps)")
            }
        }
    }

    /// Nobody but the test went beyond the bounds, which the autoscaler may know as they were before the last change.
    private static func expectBounds(_ cluster: InProcessCluster, own: Set<Revision>, _ seed: UInt64) async throws {
        let scalers = try await cluster.course(of: HorizontalPodAutoscaler.self, in: "default")
        var last: Int?
        for step in try await cluster.course(of: Deployment.self, in: "default") {
            let count = step.object.replicas
            defer { last = count }
            guard let before = last, before != count, !own.contains(step.revision) else { continue }
            let bounds = InProcessCluster.known(scalers, before: step.revision) { $0.minReplicas...$0.maxReplicas }
            #expect(
                bounds.contains { $0.contains(count) }, "seed \(seed): \(before) to \(count) in \(bounds)")
        }
    }

    @Test(arguments: Seeds.tried(6))
    func `the count follows the load within its bounds and falls late`(seed: UInt64) async throws {
        var random = Seed(seed &+ 155)
        let window = [60, 300][Int(random.next() % 2)]
        var range = Int(random.next() % 2) + 1...Int(random.next() % 5) + 5
        let load = Load()
        var settings = InProcessCluster.faulty(seed, nodes: 1, oneIn: 12)
        settings.load = load
        try await InProcessCluster.with(settings) { cluster in
            _ = try await cluster.client.create(AutoscalerTests.deployment())
            _ = try await cluster.client.create(AutoscalerTests.scaler(range, window: window))
            var course = Course()
            load.total = 200
            try await course.run(cluster, for: 30)
            for _ in 0..<8 {
                switch random.next() % 7 {
                case 0: try await cluster.restartMaster()
                // Not back: pods whose start is still to come would count as starting until then.
                case 6: cluster.clock.jump(by: .seconds(Int64(random.next() % 7200)))
                case 1: load.total = nil
                case 2: try await course.setByHand(Int(random.next() % 10) + 1, cluster)
                case 3:
                    range = range.lowerBound...Int(random.next() % 5) + 5
                    _ = try await cluster.client.patch(
                        HorizontalPodAutoscaler.self, namespace: "default", name: "h", .merge,
                        ["spec": ["maxReplicas": JSON(range.upperBound)]])
                    course.steps = []
                default: load.total = Int(random.next() % 1200)
                }
                try await course.run(cluster, for: Int(random.next() % 120))
            }
            let total = Int(random.next() % 1200)
            load.total = total
            try await course.run(cluster, for: window + 240)
            course.expectSteady(window: window, seed)
            try await AutoscalerTests.expectBounds(cluster, own: course.own, seed)

            let count = try await cluster.client.get(Deployment.self, namespace: "default", name: "web").replicas
            #expect(range.contains(count), "seed \(seed)")
            // A tenth too much or too little is let be, in whole percents. Source: `--horizontal-pod-autoscaler-tolerance`.
            let ratio = Double(total) / Double(count * AutoscalerTests.wanted)
            #expect(ratio < 1.12 || count == range.upperBound, "seed \(seed): \(count) for \(total)")
            #expect(
                ratio >= 0.89 || count == range.lowerBound
                    || (total + AutoscalerTests.wanted - 1) / AutoscalerTests.wanted == count,
                "seed \(seed): \(count) for \(total)")
            let scaler = try await cluster.client.get(
                HorizontalPodAutoscaler.self, namespace: "default", name: "h")
            #expect(
                scaler.status["currentReplicas"].int == count && scaler.status["desiredReplicas"].int == count,
                "seed \(seed)")
            #expect(try await cluster.ready().count == count, "seed \(seed)")
        }
    }

    // MARK: What cannot be told

    private static func scaler(_ name: String, metrics: [JSON]) -> HorizontalPodAutoscaler {
        var scaler = scaler(1...5, window: 60)
        scaler.metadata.name = name
        scaler.json["spec"]["metrics"] = .array(metrics)
        return scaler
    }

    /// `reason message` of the events about an autoscaler.
    private static func events(_ name: String, _ cluster: InProcessCluster) async throws -> Set<String> {
        let events = try await cluster.client.list(Event.self, namespace: "default").items
        return Set(
            events.filter { $0.json["involvedObject"]["name"].string == name }
                .map { "\($0.json["reason"].string ?? "") \($0.json["message"].string ?? "")" })
    }

    /// Source: `computeReplicasForMetric`, `replica_calculator.go`, `metrics/client.go` of kube-controller-manager.
    @Test func `a metric that nobody serves is told with its place`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(AutoscalerTests.deployment())
            let service: JSON = ["apiVersion": "v1", "kind": "Service", "name": "web"]
            let metrics: [JSON] = [
                [
                    "type": "Pods",
                    "pods": ["metric": ["name": "rps"], "target": ["type": "AverageValue", "averageValue": "10"]],
                ],
                [
                    "type": "Object",
                    "object": [
                        "metric": ["name": "q"], "describedObject": service,
                        "target": ["type": "Value", "value": "10"],
                    ],
                ],
                [
                    "type": "External",
                    "external": [
                        "metric": ["name": "ext", "selector": ["matchLabels": ["a": "b"]]],
                        "target": ["type": "AverageValue", "averageValue": "10"],
                    ],
                ],
            ]
            _ = try await cluster.client.create(AutoscalerTests.scaler("h", metrics: metrics))
            try await cluster.run(for: .seconds(20))
            let custom =
                "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
            let external =
                "unable to get external metric default/ext/&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get ext.external.metrics.k8s.io)"
            let summary = "invalid metrics (3 invalid out of 3), first error is: failed to get pods metric value: "
            #expect(
                try await AutoscalerTests.events("h", cluster) == [
                    "FailedGetPodsMetric unable to get metric rps: \(custom)",
                    "FailedGetObjectMetric unable to get metric q on Service default/web: \(custom)",
                    "FailedGetExternalMetric \(external)",
                    "FailedComputeMetricsReplicas \(summary)unable to get metric rps: \(custom)",
                ])
            let scaler = try await cluster.client.get(HorizontalPodAutoscaler.self, namespace: "default", name: "h")
            let condition = scaler.condition("ScalingActive")
            #expect(condition?.reason == "FailedGetPodsMetric")
            #expect(
                condition?.message
                    == "the HPA was unable to compute the replica count: unable to get metric rps: \(custom)")
        }
    }

    /// Source: pull request 112011 of Kubernetes.
    @Test func `two autoscalers of the same pods keep off and say so`() async throws {
        let load = Load()
        load.total = 800
        var settings = InProcessCluster.Settings()
        settings.load = load
        try await InProcessCluster.with(settings) { cluster in
            _ = try await cluster.client.create(AutoscalerTests.deployment())
            for name in ["h", "i"] {
                var scaler = AutoscalerTests.scaler(1...8, window: 60)
                scaler.metadata.name = name
                _ = try await cluster.client.create(scaler)
            }
            try await cluster.run(for: .seconds(60))
            let why = "pods by selector app=web are controlled by more than one HPA (e.g. [default/h default/i])"
            for name in ["h", "i"] {
                let scaler = try await cluster.client.get(
                    HorizontalPodAutoscaler.self, namespace: "default", name: name)
                let condition = scaler.condition("ScalingActive")
                #expect(condition?.reason == "AmbiguousSelector" && condition?.message == why, "\(name)")
                let events = try await AutoscalerTests.events(name, cluster)
                #expect(events.isSuperset(of: ["AmbiguousSelector \(why)", "FailedComputeMetricsReplicas \(why)"]))
            }
            try await cluster.client.delete(HorizontalPodAutoscaler.self, namespace: "default", name: "i")
            try await cluster.run(for: .seconds(90))
            #expect(try await cluster.client.get(Deployment.self, namespace: "default", name: "web").replicas == 8)
        }
    }
}
