import Foundation
import Shared
import TestKit

/// The API server as clients see it: a `kmaster` of its own on loopback with TLS, its state on a disk, and the load from
/// this process on the same cores.
enum APIBench {
    private static let connections = 32
    private static let clock = SystemClock()

    static func run() async throws {
        try await withMaster { client, process in
            let idle = memory(process)
            Figures.show("memory of the control plane, idle", "\(idle.all) MB RSS, \(idle.own) MB of its own")
            _ = try await client.create(
                Node([
                    "kind": "Node", "apiVersion": "v1", "metadata": ["name": "bench"],
                ]))
            let pods = 6000
            try await measure("create pods, durable, \(connections) connections", pods) {
                _ = try await client.create(pod($0))
            }
            try await measure("status patches (merge), \(connections) connections", 6000) { number in
                _ = try await client.patch(
                    Pod.self, namespace: "default", name: "pod-\(number % pods)", subresource: "status", .merge,
                    ["status": ["phase": "Running", "message": .string("round \(number)")]])
            }
            try await measure("get one pod, \(connections) connections", 20_000) { number in
                let request = client.request("GET", Pod.type.path(namespace: "default", name: "pod-\(number % pods)"))
                _ = try await client.transport.send(request)
            }
            let lists = Figures()
            var bytes = 0
            for _ in 0..<10 {
                let start = clock.uptime()
                let request = client.request("GET", Pod.type.path(namespace: "default"), query: ["limit": "5000"])
                bytes = try await client.transport.send(request).body.count
                lists.add(clock.uptime() - start)
            }
            Figures.show("list 5,000 pods (\(bytes / 1_000_000) MB of JSON)", lists.summary)
            let full = memory(process)
            Figures.show("memory of the control plane, \(pods) pods", "\(full.all) MB RSS, \(full.own) MB of its own")
            try await fanOut(client, watchers: 100, rounds: 100)
        }
    }

    /// Needs two descriptors a watcher, one in each process.
    static func runWatchers() async throws {
        try await withMaster { client, process in
            _ = try await client.create(pod(0))
            let before = memory(process)
            let watchers = 9_000
            try await fanOut(client, watchers: watchers, rounds: 10) {
                let after = memory(process)
                Figures.show(
                    "memory a watcher", "\((after.own - before.own) * 1000 / watchers) kB of its own, n=\(watchers)")
            }
        }
    }

    // MARK: Parts

    private static func withMaster(_ body: (Client, pid_t) async throws -> Void) async throws {
        let folder = TemporaryFolder(below: "/var/tmp")
        let start = clock.uptime()
        let master = try MasterProcess(state: folder.path + "/state")
        let client = try await master.client()
        Figures.show("cold start until it serves, with new keys", Figures.text(clock.uptime() - start))
        try await body(client, master.id)
        try await master.end()
    }

    /// Runs `action` `count` times on all connections and prints rate and durations.
    private static func measure(
        _ what: String, _ count: Int, _ action: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let figures = Figures()
        let next = Counter()
        let start = clock.uptime()
        try await withThrowingDiscardingTaskGroup { group in
            for _ in 0..<connections {
                group.addTask {
                    while true {
                        let number = next.next() - 1
                        guard number < count else { return }
                        let begin = clock.uptime()
                        try await action(number)
                        figures.add(clock.uptime() - begin)
                    }
                }
            }
        }
        figures.show(what, in: clock.uptime() - start)
    }

    /// From the time at which a patch is sent to its event at every watcher.
    private static func fanOut(
        _ client: Client, watchers: Int, rounds: Int, _ whenOpen: () async throws -> Void = {}
    ) async throws {
        let figures = Figures(), last = Figures()
        let seen = Counter(), open = Counter(), sent = Moment()
        let path = Pod.type.path(namespace: "default")
        let query: Query = ["watch": "true", "fieldSelector": "metadata.name=pod-0"]
        try await withThrowingDiscardingTaskGroup { group in
            for _ in 0..<watchers {
                group.addTask {
                    do {
                        let stream = try await client.transport.stream(client.request("GET", path, query: query))
                        var cutter = LineCutter()
                        var isFirst = true
                        while let piece = try await stream.body.next() {
                            for _ in try cutter.lines(adding: piece) {
                                if isFirst {
                                    open.next()
                                } else {
                                    figures.add(clock.uptime() - sent.value)
                                    seen.next()
                                }
                                isFirst = false
                            }
                        }
                    } catch  where Task.isCancelled {
                        // The measurement is over.
                    }
                }
            }
            let deadline = clock.uptime() + .seconds(120)
            while open.value < watchers, clock.uptime() < deadline { try await Task.sleep(for: .milliseconds(20)) }
            try await whenOpen()
            for round in 1...rounds {
                sent.value = clock.uptime()
                _ = try await client.patch(
                    Pod.self, namespace: "default", name: "pod-0", subresource: "status", .merge,
                    ["status": ["message": .string("event \(round)")]])
                while seen.value < round * open.value, clock.uptime() < sent.value + .seconds(10) {
                    try await Task.sleep(for: .milliseconds(1))
                }
                last.add(clock.uptime() - sent.value)
            }
            group.cancelAll()
        }
        Figures.show("watch fan-out, \(open.value) watchers: time in the patch → event read", figures.summary)
        Figures.show("watch fan-out, \(open.value) watchers: until all have it", last.summary)
    }

    /// A moment that many tasks read. A class: one value that they share.
    private final class Moment: Sendable {
        private let nanoseconds = Counter()
        private let base = clock.uptime()
        var value: Duration {
            get { base + .nanoseconds(nanoseconds.value) }
            set { nanoseconds.set(Int((newValue - base).nanoseconds)) }
        }
    }

    /// Resident and private memory of a process in MB. Source: man 5 proc.
    static func memory(_ process: pid_t) -> (all: Int, own: Int) {
        var values: [String: Int] = [:]
        for line in Shell.text("/proc/\(process)/status").split(separator: "\n") {
            let words = line.split { $0 == ":" || $0 == " " || $0 == "\t" }
            if words.count > 1, let kilobytes = Int(words[1]) { values[String(words[0])] = kilobytes }
        }
        return ((values["VmRSS"] ?? 0) / 1000, (values["RssAnon"] ?? 0) / 1000)
    }

    private static func pod(_ number: Int) -> Pod {
        let container = { (name: String) -> JSON in
            [
                "name": .string(name), "image": "registry.example/app:1.2.3", "command": ["/bin/app", "--serve"],
                "env": [["name": "A", "value": "1"], ["name": "B", "value": "2"]],
                "ports": [["containerPort": 8080]],
                "resources": ["requests": ["cpu": "100m", "memory": "64Mi"], "limits": ["memory": "128Mi"]],
            ]
        }
        return Pod([
            "kind": "Pod", "apiVersion": "v1",
            "metadata": [
                "name": .string("pod-\(number)"), "namespace": "default",
                "labels": ["app": "bench", "number": .string("\(number)")],
            ],
            "spec": ["nodeName": "bench", "containers": [container("main"), container("sidecar")]],
        ])
    }
}
