import Shared

/// `kmaster simulate`: how fast the scheduler decides on a cluster of a given size, without a server. The rate of each
/// tenth is told, so that a growth that is not linear shows.
enum SimulateCommand {
    /// What the simulated pods ask for beside cpu and memory.
    enum Shape: String, CaseIterable {
        case plain
        /// Spread over zones and nodes, as far as that goes.
        case spread
        /// No two of a hundred on the same node.
        case affinity
    }
    static let command = Command(
        name: "kmaster simulate", summary: "Places made-up pods on made-up nodes and tells how fast that goes.",
        flags: [
            .init("nodes", .one("N"), fallback: "500", help: "nodes, in ten zones"),
            .init("pods", .one("N"), fallback: "10000", help: "pods, a hundred to a Deployment"),
            .init(
                "shape", .one("SHAPE"), fallback: "plain", choices: Shape.allCases.map(\.rawValue),
                help: "what the pods ask for: plain, spread or affinity"),
            .init("scheduler-config", .one("FILE"), help: "a KubeSchedulerConfiguration; its first profile is used"),
        ])

    static func run(_ words: [String]) throws {
        let arguments = try Arguments(words, for: command)
        if arguments.wantsHelp { return StandardStreams.out(command.help) }
        let nodes = try number(arguments, "nodes", most: 100_000)
        let pods = try number(arguments, "pods", most: 10_000_000)
        let shape = arguments["shape"].flatMap(Shape.init) ?? .plain
        let configuration = try MasterSettings.schedulerConfiguration(arguments["scheduler-config"])
        let profile = configuration.profiles.first ?? .standard
        let clock = SystemClock()
        var simulation = Simulation(nodes: nodes, roomFor: pods)
        let start = clock.uptime()
        var placed = 0
        var rates: [Int] = []
        for tenth in 0..<10 {
            let begin = clock.uptime()
            let count = pods * (tenth + 1) / 10 - pods * tenth / 10
            placed += simulation.place(count, shape, profile)
            rates.append(SimulateCommand.rate(count, clock.uptime() - begin))
        }
        let seconds = (clock.uptime() - start).inSeconds
        StandardStreams.out(
            "\(placed) of \(pods) \(shape.rawValue) pods on \(nodes) nodes in \(Double(Int(seconds * 100)) / 100) s: "
                + "\(rate(pods, clock.uptime() - start)) pods/s; by tenths \(rates.map(String.init).joined(separator: " "))"
        )
    }

    private static func rate(_ count: Int, _ time: Duration) -> Int {
        Int(Double(count) / max(1e-9, time.inSeconds))
    }

    private static func number(_ arguments: Arguments, _ flag: String, most: Int) throws(UsageError) -> Int {
        guard let number = arguments[flag].flatMap({ Int($0) }), (1...most).contains(number) else {
            throw UsageError("--\(flag) takes a number from 1 to \(most)")
        }
        return number
    }
}

/// A cluster of values that the scheduler's decisions are made on.
private struct Simulation {
    private var snapshot = Snapshot()
    private var placer = Placer(random: Lottery(seed: 1))
    private var count = 0

    init(nodes: Int, roomFor pods: Int) {
        // Twice the room that the pods need, so that none is refused for want of it.
        let perNode = 2 * (pods / nodes + 1)
        for number in 0..<nodes {
            var node = Node(name: "node-\(number)")
            node.metadata.labels = [
                "kubernetes.io/hostname": "node-\(number)", "topology.kubernetes.io/zone": "zone-\(number % 10)",
            ]
            node.json["status"] = [
                "allocatable": [
                    "cpu": .string("\(perNode * 100)m"), "memory": .string("\(perNode * 100)Mi"),
                    "pods": .string("\(perNode)"),
                ]
            ]
            _ = snapshot.put(node)
        }
    }

    /// - Returns: how many pods got a place.
    mutating func place(_ pods: Int, _ shape: SimulateCommand.Shape, _ profile: Profile) -> Int {
        var placed = 0
        for _ in 0..<pods {
            let pod = PodDemand(
                Simulation.pod(count, shape), siblings: LabelSelector(equal: ["app": "app-\(count / 100)"]))
            count += 1
            guard case .node(let name) = placer.place(pod, in: &snapshot, profile) else { continue }
            snapshot.place(pod, on: name)
            placed += 1
        }
        return placed
    }

    private static func pod(_ number: Int, _ shape: SimulateCommand.Shape) -> Pod {
        let app = JSON.string("app-\(number / 100)")
        var pod = Pod(name: "pod-\(number)", namespace: "default")
        pod.metadata.uid = "uid-\(number)"
        pod.metadata.labels = ["app": app.string ?? ""]
        pod.json["spec"] = [
            "containers": [
                ["name": "c", "image": "app:1", "resources": ["requests": ["cpu": "100m", "memory": "100Mi"]]]
            ]
        ]
        switch shape {
        case .plain: break
        case .spread:
            pod.json["spec"]["topologySpreadConstraints"] = .array(
                ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map { key in
                    [
                        "topologyKey": .string(key), "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
                        "labelSelector": ["matchLabels": ["app": app]],
                    ]
                })
        case .affinity:
            pod.json["spec"]["affinity"] = [
                "podAntiAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        ["topologyKey": "kubernetes.io/hostname", "labelSelector": ["matchLabels": ["app": app]]]
                    ]
                ]
            ]
        }
        return pod
    }
}
