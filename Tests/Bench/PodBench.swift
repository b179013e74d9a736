import Foundation
import Shared
import TestKit

/// Pods on real nodes of this machine: a local cluster that `kconsole up` makes for the time of the measurement.
enum PodBench {
    private static let clock = SystemClock()

    static func run() async throws {
        try await LocalCluster.run(nodes: 1, options: []) { cluster in
            let client = try await cluster.client()
            let agent = try cluster.process("node-1")
            let idle = APIBench.memory(agent)
            Figures.show("node agent's memory, idle", "\(idle.all) MB RSS, \(idle.own) MB of its own")
            try await starts(client)
            try await burst(client, agent, idle.own)
            try await restarts(client)
        }
        try await LocalCluster.run(nodes: 3) { cluster in try await loss(cluster, isAnnounced: true) }
        try await LocalCluster.run(nodes: 3) { cluster in try await loss(cluster, isAnnounced: false) }
    }

    /// One pod after the other: from the request to the event that says Running.
    private static func starts(_ client: Client) async throws {
        let figures = Figures()
        for number in 0..<25 {
            let start = clock.uptime()
            _ = try await client.create(pod("one-\(number)", ["sleep", "1000"]))
            try await isRunning(client, ["one-\(number)"])
            figures.add(clock.uptime() - start)
            try await client.delete(Pod.self, namespace: "default", name: "one-\(number)", graceSeconds: 0)
        }
        Figures.show("one pod, image on the node: create → Running", figures.summary)
    }

    private static func burst(_ client: Client, _ agent: pid_t, _ idle: Int) async throws {
        let names = (0..<40).map { "many-\($0)" }
        let start = clock.uptime()
        try await withThrowingDiscardingTaskGroup { group in
            for name in names { group.addTask { _ = try await client.create(pod(name, ["sleep", "1000"])) } }
        }
        try await isRunning(client, Set(names))
        Figures.show("40 pods at once on one node: all Running", Figures.text(clock.uptime() - start))
        let own = APIBench.memory(agent).own
        Figures.show("node agent's memory a pod", "\((own - idle) * 1000 / 40) kB of its own, n=40")
        for name in names {
            try await client.delete(Pod.self, namespace: "default", name: name, graceSeconds: 0)
        }
    }

    /// Waits for the watch to say that all of them run.
    private static func isRunning(_ client: Client, _ names: Set<String>) async throws {
        var missing = names
        let query: Query = ["watch": "true", "fieldSelector": "status.phase=Running"]
        let path = Pod.type.path(namespace: "default")
        let stream = try await client.transport.stream(client.request("GET", path, query: query))
        var cutter = LineCutter()
        while !missing.isEmpty, let piece = try await stream.body.next() {
            for line in try cutter.lines(adding: piece) {
                switch try WatchEvent(line: line) {
                case .added(let object), .modified(let object): missing.remove(Object(object).name)
                default: break
                }
            }
        }
    }

    /// Programs write down when they end and when they begin again.
    private static func restarts(_ client: Client) async throws {
        let script =
            "now() { date +%s%N; }; t=$(now); [ -f /d/t ] && { echo took $(( (t - $(cat /d/t)) / 1000 )); exec sleep 1000; };"
            + " sleep 0.2; now > /d/t; exit 1"
        let figures = Figures()
        for number in 0..<15 {
            let name = "crash-\(number)"
            var crashing = pod(name, ["sh", "-c", script])
            crashing.json["spec"]["volumes"] = [["name": "d", "emptyDir": [:]]]
            crashing.json["spec"]["containers"] = .array(
                crashing.spec.containers.map {
                    var container = $0.json
                    container["volumeMounts"] = [["name": "d", "mountPath": "/d"]]
                    return container
                })
            _ = try await client.create(crashing)
            let path = Pod.type.path(namespace: "default", name: name, subresource: "log")
            let took = try await eventually("the program runs again") {
                let answer = try await client.transport.send(client.request("GET", path, accept: "*/*"))
                let words = String(decoding: answer.body, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                return words.first == "took" && words.count > 1 ? Int(words[1]) : nil
            }
            figures.add(.microseconds(took))
            try await client.delete(Pod.self, namespace: "default", name: name, graceSeconds: 0)
        }
        Figures.show("container exits → runs again (first time)", figures.summary)
    }

    /// A machine of three is lost: until its pods run elsewhere and the service knows no lost address.
    private static func loss(_ cluster: LocalCluster, isAnnounced: Bool) async throws {
        try await cluster.webPods()
        let start = clock.uptime()
        if isAnnounced {
            try await cluster.kconsole(["node", "kill", "node-2"])
        } else {
            let processes = "cat $(find /sys/fs/cgroup -path '*/kotohajime/node-2*' -name cgroup.procs)"
            for id in try await Shell.run("sh", ["-c", processes]).lines.compactMap({ pid_t($0) }) where id > 1 {
                kill(id, SIGKILL)
            }
        }
        try await becomes("all pods run elsewhere", within: .seconds(60)) {
            try await cluster.hasLeft("node-2", pods: 5)
        }
        let how = isAnnounced ? "killed with kconsole node kill" : "silent"
        Figures.show("node lost (\(how)) → its pods run elsewhere", Figures.text(clock.uptime() - start))
    }

    private static func pod(_ name: String, _ command: [String]) -> Pod {
        Pod([
            "kind": "Pod", "apiVersion": "v1", "metadata": ["name": .string(name), "namespace": "default"],
            "spec": [
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    [
                        "name": "main", "image": "localhost/host", "command": .array(command.map(JSON.string)),
                    ]
                ],
            ],
        ])
    }
}
