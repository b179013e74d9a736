import Shared
import TestKit
import Testing

@testable import Master

struct PlacerTests {
    static func snapshot(_ nodes: [Node], _ pods: [Pod] = []) -> Snapshot {
        var snapshot = Snapshot()
        for node in nodes { _ = snapshot.put(node) }
        for pod in pods { snapshot.place(PodDemand(pod), on: pod.spec.nodeName) }
        return snapshot
    }
    static func pod(_ name: String = "p", _ spec: JSON = [:], node: String = "", labels: [String: String] = [:]) -> Pod
    {
        var pod = Sample.pod(name, labels: labels, node: node)
        for (key, value) in spec.members { pod.json["spec"][key] = value }
        return pod
    }
    static func asking(cpu: String, memory: String = "0", others: [String: String] = [:]) -> JSON {
        let requests = others.merging(["cpu": cpu, "memory": memory]) { own, _ in own }
        return ["containers": [["name": "c", "resources": ["requests": JSON(requests)]]]]
    }
    private static func place(_ spec: JSON, _ nodes: [Node], _ pods: [Pod] = []) -> Placement {
        var placer = Placer(random: Seed(1))
        var snapshot = snapshot(nodes, pods)
        return placer.place(PodDemand(pod("p", spec)), in: &snapshot)
    }
    private static func refusal(_ spec: JSON, _ nodes: [Node], _ pods: [Pod] = []) -> String {
        if case .nowhere(let refusal) = place(spec, nodes, pods) { return refusal.message }
        return "placed"
    }

    /// Each row: what the pod asks for, the nodes, the sentence.
    static let refusals: [(JSON, [Node], String)] = {
        let tainted = [Taint("k", value: "v", effect: "NoSchedule")]
        let five =
            [Sample.node("a", cpu: "1"), Sample.node("b", cpu: "1")]
            + ["c", "d", "e"].map { Sample.node($0, taints: tainted) }
        var cordoned = Sample.node("a")
        cordoned.json["spec"]["unschedulable"] = true
        let selecting: JSON = [
            "affinity": [
                "nodeAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        "nodeSelectorTerms": [
                            ["matchExpressions": [["key": "disk", "operator": "In", "values": ["ssd"]]]]
                        ]
                    ]
                ]
            ]
        ]
        return [
            (asking(cpu: "2"), [], "no nodes available to schedule pods"),
            (
                asking(cpu: "2"), five,
                "0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint {k: v}."
            ),
            (
                asking(cpu: "9", memory: "99Gi"), [Sample.node("a"), Sample.node("b")],
                "0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory."
            ),
            (
                asking(cpu: "1", others: ["ex.io/gpu": "1"]), [Sample.node("a")],
                "0/1 nodes are available: 1 Insufficient ex.io/gpu."
            ),
            ([:], [Sample.node("a", pods: "0")], "0/1 nodes are available: 1 Too many pods."),
            ([:], [cordoned], "0/1 nodes are available: 1 node(s) were unschedulable."),
            (
                ["nodeSelector": ["disk": "ssd"]], [Sample.node("a")],
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
            ),
            (
                selecting, [Sample.node("a", labels: ["disk": "hdd"])],
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
            ),
            (
                [
                    "topologySpreadConstraints": [
                        ["topologyKey": "zone", "maxSkew": 1, "labelSelector": [:]]
                    ]
                ], [Sample.node("a")],
                "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label)."
            ),
        ]
    }()
    @Test(arguments: refusals)
    func `a pod without a place is told why, reason by reason`(spec: JSON, nodes: [Node], message: String) {
        #expect(PlacerTests.refusal(spec, nodes) == message)
    }

    @Test func `tolerations, selectors and affinity open the right node`() {
        let ssd = Sample.node("b", labels: ["disk": "ssd"], taints: [Taint("k", value: "v", effect: "NoSchedule")])
        let spec: JSON = [
            "nodeSelector": ["disk": "ssd"], "tolerations": [["key": "k", "operator": "Exists"]],
        ]
        #expect(PlacerTests.place(spec, [Sample.node("a"), ssd]) == .node("b"))
    }

    @Test func `host ports exclude each other unless their addresses differ`() {
        func asking(_ address: String) -> JSON {
            [
                "containers": [
                    ["name": "c", "ports": [["containerPort": 80, "hostPort": 8080, "hostIP": .string(address)]]]
                ]
            ]
        }
        let taken = PlacerTests.pod("other", asking("127.0.0.1"), node: "a")
        let message = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
        #expect(PlacerTests.refusal(asking("0.0.0.0"), [Sample.node("a")], [taken]) == message)
        #expect(PlacerTests.place(asking("127.0.0.2"), [Sample.node("a")], [taken]) == .node("a"))
    }

    private static func anti(_ key: String) -> JSON {
        [
            "affinity": [
                "podAntiAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        ["topologyKey": .string(key), "labelSelector": ["matchLabels": ["app": "web"]]]
                    ]
                ]
            ]
        ]
    }

    @Test func `anti-affinity works both ways`() {
        let host = "kubernetes.io/hostname"
        let web = PlacerTests.pod("w", node: "a", labels: ["app": "web"])
        let nodes = [Sample.node("a")]
        #expect(
            PlacerTests.refusal(PlacerTests.anti(host), nodes, [web])
                == "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.")
        var hater = PlacerTests.pod("h", PlacerTests.anti(host), node: "a")
        hater.metadata.labels = ["app": "db"]
        var placer = Placer(random: Seed(1))
        var snapshot = PlacerTests.snapshot(nodes, [hater])
        let placement = placer.place(PodDemand(PlacerTests.pod("n", labels: ["app": "web"])), in: &snapshot)
        guard case .nowhere(let refusal) = placement else {
            Issue.record("placed")
            return
        }
        #expect(refusal.reasons == ["node(s) didn't satisfy existing pods anti-affinity rules": 1])
    }

    @Test func `affinity draws a pod to its peer, and the first of its kind may go anywhere`() {
        func near(_ app: String) -> JSON {
            [
                "affinity": [
                    "podAffinity": [
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            [
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": ["matchLabels": ["app": .string(app)]],
                            ]
                        ]
                    ]
                ]
            ]
        }
        let nodes = ["a", "b", "c"].map { Sample.node($0) }
        let peer = PlacerTests.pod("peer", node: "b", labels: ["app": "db"])
        #expect(PlacerTests.place(near("db"), nodes, [peer]) == .node("b"))
        #expect(
            PlacerTests.refusal(near("none"), nodes)
                == "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.")
        var placer = Placer(random: Seed(1))
        let own = PodDemand(PlacerTests.pod("p", near("web"), labels: ["app": "web"]))
        var empty = PlacerTests.snapshot(nodes)
        if case .nowhere = placer.place(own, in: &empty) { Issue.record("the first is refused") }
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `a hard spread never exceeds its skew`(seed: Seed) {
        var placer = Placer(random: seed)
        var snapshot = PlacerTests.snapshot((0..<6).map { Sample.node("n\($0)", labels: ["zone": "z\($0 % 3)"]) })
        let spec: JSON = [
            "topologySpreadConstraints": [
                [
                    "topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": ["matchLabels": ["app": "web"]],
                ]
            ]
        ]
        var counts = ["z0": 0, "z1": 0, "z2": 0]
        for number in 0..<20 {
            let pod = PodDemand(PlacerTests.pod("p\(number)", spec, labels: ["app": "web"]))
            guard case .node(let name) = placer.place(pod, in: &snapshot) else {
                Issue.record("\(seed)")
                return
            }
            snapshot.place(pod, on: name)
            counts[snapshot.node(name)?.labels["zone"] ?? "", default: 0] += 1
            #expect((counts.values.max() ?? 0) - (counts.values.min() ?? 0) <= 1, "\(seed)")
        }
    }

    @Test func `pods of one controller are spread over equal nodes`() {
        var placer = Placer(random: Seed(3))
        var snapshot = PlacerTests.snapshot((0..<5).map { Sample.node("n\($0)") })
        for number in 0..<10 {
            let pod = PodDemand(Sample.pod("p\(number)"), siblings: LabelSelector(equal: ["app": "web"]))
            guard case .node(let name) = placer.place(pod, in: &snapshot) else {
                Issue.record("no place")
                return
            }
            snapshot.place(pod, on: name)
        }
        #expect(snapshot.nodes.map(\.pods.count) == [2, 2, 2, 2, 2])
    }

    @Test func `the emptier node and the one that has the image are preferred`() {
        let busy = PlacerTests.pod("busy", PlacerTests.asking(cpu: "3", memory: "6Gi"), node: "a")
        #expect(
            PlacerTests.place(PlacerTests.asking(cpu: "100m"), ["a", "b"].map { Sample.node($0) }, [busy]) == .node("b")
        )
        var holder = Sample.node("b")
        holder.json["status"]["images"] = [["names": ["app:1"], "sizeBytes": 800_000_000]]
        #expect(PlacerTests.place([:], [Sample.node("a"), holder, Sample.node("c")]) == .node("b"))
    }

    @Test func `no more is placed on a node than it has`() {
        var placer = Placer(random: Seed(5))
        var snapshot = PlacerTests.snapshot((0..<4).map { Sample.node("n\($0)", cpu: "1") })
        var placed = 0
        for number in 0..<50 {
            let pod = PodDemand(PlacerTests.pod("p\(number)", PlacerTests.asking(cpu: "300m")))
            guard case .node(let name) = placer.place(pod, in: &snapshot) else { continue }
            snapshot.place(pod, on: name)
            placed += 1
        }
        #expect(placed == 12)
        #expect(snapshot.nodes.allSatisfy { $0.used.cpu <= $0.shape.allocatable.cpu })
    }

    @Test func `a pod asks for the most demanding moment of its life`() {
        func container(_ cpu: String, _ restart: String? = nil) -> JSON {
            var json: JSON = ["name": "c", "resources": ["requests": ["cpu": .string(cpu)]]]
            if let restart { json["restartPolicy"] = .string(restart) }
            return json
        }
        let spec = PodSpec([
            "containers": [container("1"), container("500m")],
            "initContainers": [container("200m", "Always"), container("3")], "overhead": ["cpu": "100m"],
        ])
        #expect(Amounts(PodAmounts.sum(spec.json, "requests")).cpu == 3300)
        let huge = PodSpec(["containers": [container("9223372036854775807"), container("9223372036854775807")]])
        #expect(Amounts(PodAmounts.sum(huge.json, "requests")).cpu == .max)
    }

    @Test func `only a share of many nodes is looked at`() {
        let profile = Profile.standard
        #expect([50, 500, 5000, 20_000].map(profile.enough) == [50, 230, 500, 1000])
        var thorough = profile
        thorough.searchedPercent = 100
        #expect(thorough.enough(of: 5000) == 5000)
    }

    @Test func `a pod that names its node is not told of the others one by one`() {
        let spec: JSON = [
            "affinity": [
                "nodeAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        "nodeSelectorTerms": [
                            ["matchFields": [["key": "metadata.name", "operator": "In", "values": ["b"]]]]
                        ]
                    ]
                ]
            ]
        ]
        let taint = Taint("k", value: "v", effect: "NoSchedule")
        let nodes = [Sample.node("a"), Sample.node("b", taints: [taint]), Sample.node("c")]
        #expect(
            PlacerTests.refusal(spec, nodes)
                == "0/3 nodes are available: 1 node(s) had untolerated taint {k: v}, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
        )
        #expect(PlacerTests.place(spec, [Sample.node("a"), Sample.node("b")]) == .node("b"))
    }

    @Test func `affinity reaches the namespaces that a selector finds`() {
        let spec: JSON = [
            "affinity": [
                "podAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        [
                            "topologyKey": "kubernetes.io/hostname", "labelSelector": ["matchLabels": ["app": "db"]],
                            "namespaceSelector": ["matchLabels": ["team": "a"]],
                        ]
                    ]
                ]
            ]
        ]
        var peer = PlacerTests.pod("db", node: "b", labels: ["app": "db"])
        peer.metadata.namespace = "other"
        var snapshot = PlacerTests.snapshot([Sample.node("a"), Sample.node("b")], [peer])
        var placer = Placer(random: Seed(1))
        let pod = PodDemand(PlacerTests.pod("p", spec))
        guard case .nowhere = placer.place(pod, in: &snapshot) else {
            Issue.record("placed without its peer")
            return
        }
        snapshot.namespaces = ["other": ["team": "a"]]
        #expect(placer.place(pod, in: &snapshot) == .node("b"))
    }

    @Test func `room that is kept for an important pod is not given to others`() {
        var snapshot = PlacerTests.snapshot([Sample.node("a", cpu: "1")])
        var important = PlacerTests.pod("important", PlacerTests.asking(cpu: "1"))
        important.json["spec"]["priority"] = 10
        snapshot.nominate(PodDemand(important), for: "a")
        var placer = Placer(random: Seed(1))
        let modest = PodDemand(PlacerTests.pod("p", PlacerTests.asking(cpu: "1")))
        guard case .nowhere = placer.place(modest, in: &snapshot) else {
            Issue.record("the room was given away")
            return
        }
        #expect(placer.place(PodDemand(important), in: &snapshot) == .node("a"))
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `counts that are kept agree with counts that are made`(seed: Seed) {
        var random = seed
        var snapshot = PlacerTests.snapshot((0..<4).map { Sample.node("n\($0)", labels: ["zone": "z\($0 % 2)"]) })
        let classes = [["app": "a"], ["app": "b"], ["tier": "1"], ["app": "a", "tier": "0"], [:]].map { labels in
            PodClass(
                parts: [.init(namespaces: ["default"], selector: LabelSelector(equal: labels))], countsDeleting: false)
        }
        for step in 0..<80 {
            let number = Int.random(in: 0..<15, using: &random)
            let app = Bool.random(using: &random) ? "a" : "b"
            switch Int.random(in: 0..<8, using: &random) {
            case 0: snapshot.remove(pod: "uid-p\(number)")
            case 3 where step % 5 == 0:
                // More classes than are remembered.
                for other in 0..<Limits.talliesMax {
                    let part = PodClass.Part(namespaces: nil, selector: LabelSelector(equal: ["app": "x\(other)"]))
                    #expect(snapshot.counts(of: PodClass(parts: [part], countsDeleting: true)).isEmpty)
                }
            case 1: snapshot.remove(node: "n\(number % 4)")
            case 2:
                let zone = "z\(Int.random(in: 0..<3, using: &random))"
                _ = snapshot.put(Sample.node("n\(number % 4)", labels: ["zone": zone]))
            default:
                let tier = "\(Int.random(in: 0..<3, using: &random))"
                let pod = PodDemand(PlacerTests.pod("p\(number)", labels: ["app": app, "tier": tier]))
                snapshot.place(pod, on: "n\(Int.random(in: 0..<4, using: &random))")
            }
            for pods in classes {
                var counted: [String: Int] = [:]
                for node in snapshot.nodes {
                    let count = node.pods.values.count { pods.matches(PodMark($0)) }
                    if count > 0, let zone = node.labels["zone"] { counted[zone, default: 0] += count }
                }
                #expect(snapshot.counts(of: pods, by: "zone") == counted, "\(seed)")
            }
        }
    }
}
