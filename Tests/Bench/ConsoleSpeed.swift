import Glibc
import Shared
import Synchronization

/// How quick the console is with very many pods: the built kconsole in a terminal of its own against a server that serves
/// pods, and nothing else, from memory. `Bench console [PODS] [--kconsole PATH] [--events PER-SECOND]`.
///
/// Goals (console.md section 3, at 50,000 pods): first rows 0.5 s, all 10 s, 150 MB, 1 % of a core when nothing happens,
/// 33 ms from key to picture in 99 of 100 cases.
enum ConsoleSpeed {
    static func run(_ words: [String]) async throws {
        let count = words.lazy.compactMap { Int($0) }.first ?? 50_000
        func value(_ flag: String) -> String? {
            words.firstIndex(of: flag).flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
        }
        let own = CommandLine.arguments.first ?? ""
        let folder = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        let program = value("--kconsole") ?? "\(folder)/kconsole"
        guard access(program, X_OK) == 0 else { return print("console: \(program) is not built; make build first") }
        let events = value("--events").flatMap { Int($0) } ?? 500
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let server = ManyPods(count: count)
        let service = HTTPServer([.init(listener, tls: nil)], log: Log("bench")) { await server.answer($0.request) }
        var template = Array("/tmp/kconsole-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return print("console: no temporary folder can be made") }
        let home = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            for name in ["config", "pid"] { unlink("\(home)/\(name)") }
            rmdir(home)
        }
        let config = """
            {"apiVersion":"v1","kind":"Config","current-context":"bench","contexts":[{"name":"bench","context":{"cluster":"bench",\
            "user":"bench"}}],"clusters":[{"name":"bench","cluster":{"server":"http://127.0.0.1:\(listener.port)"}}],\
            "users":[{"name":"bench","user":{}}]}
            """
        try PrivateFile.write("\(home)/config", Array(config.utf8))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await service.run() }
            let terminal = BenchTerminal(program, ["-c", "pods", "-A", "--kubeconfig", "\(home)/config"], home: home)
            if let terminal {
                await measure(terminal, server, count, events)
                terminal.end()
            } else {
                print("console: it can not be started")
            }
            group.cancelAll()
        }
    }

    private static func measure(_ terminal: BenchTerminal, _ server: ManyPods, _ count: Int, _ events: Int) async {
        let clock = SystemClock()
        let start = clock.uptime()
        guard terminal.wait(for: "pod-00000", most: .seconds(20)) else { return print("console: no rows after 20 s") }
        let first = clock.uptime() - start
        _ = terminal.wait(for: "live", most: .seconds(120))
        let all = clock.uptime() - start
        print("console, \(count) pods: first rows \(text(first)) (goal 0.5 s), all \(text(all)) (goal 10 s)")
        try? await clock.sleep(for: .seconds(3))
        let memory = terminal.residentMB
        let before = terminal.cpuSeconds
        _ = terminal.drain()
        try? await clock.sleep(for: .seconds(5))
        let share = (terminal.cpuSeconds - before) / 5 * 100
        print("  memory \(memory) MB (goal 150 MB), idle \(tenths(share)) % of a core (goal 1 %)")
        report("key to picture, nothing else happens", await keys(terminal, clock))
        server.eventsPerSecond.store(events, ordering: .relaxed)
        try? await clock.sleep(for: .seconds(1))
        let busyBefore = terminal.cpuSeconds
        let busyStart = clock.uptime()
        let latencies = await keys(terminal, clock)
        try? await clock.sleep(for: .seconds(2))
        let busyTime = clock.uptime() - busyStart
        let seconds = Double(busyTime.components.seconds) + Double(busyTime.components.attoseconds) / 1e18
        let busy = (terminal.cpuSeconds - busyBefore) / max(0.1, seconds) * 100
        report("key to picture, \(events) changes/s", latencies)
        print("  about \(tenths(busy)) % of a core meanwhile (goal 15 %)")
        server.eventsPerSecond.store(0, ordering: .relaxed)
        try? await clock.sleep(for: .seconds(1))
        _ = terminal.drain()
        terminal.type("/", answer: "/")
        _ = terminal.answer(within: .seconds(1))
        var filter: [Duration] = []
        for letter in "pod-00123" {
            terminal.type(String(letter), answer: String(letter))
            filter.append(terminal.answer(within: .seconds(2)) ?? .seconds(2))
        }
        report("letter of a filter to picture", filter)
    }

    private static func keys(_ terminal: BenchTerminal, _ clock: SystemClock) async -> [Duration] {
        var found: [Duration] = []
        // Down and up again on one page, so that the cursor is drawn anew each time.
        for index in 0..<120 {
            terminal.type(index % 40 < 20 ? "j" : "k", answer: "▸")
            found.append(terminal.answer(within: .seconds(1)) ?? .seconds(1))
            try? await clock.sleep(for: .milliseconds(8))
        }
        return found
    }

    private static func report(_ what: String, _ times: [Duration]) {
        let sorted = times.sorted()
        guard let worst = sorted.last else { return }
        func part(_ share: Int) -> Duration { sorted[min(sorted.count - 1, sorted.count * share / 100)] }
        print("  \(what): p50 \(text(part(50))), p99 \(text(part(99))), worst \(text(worst)) (goal p99 33 ms)")
    }
    private static func text(_ time: Duration) -> String {
        let milliseconds = Double(time.components.seconds) * 1000 + Double(time.components.attoseconds) / 1e15
        return milliseconds >= 1000 ? "\(tenths(milliseconds / 1000)) s" : "\(tenths(milliseconds)) ms"
    }
    private static func tenths(_ value: Double) -> String { "\(Double(Int((value * 10).rounded())) / 10)" }
}

/// A server with very many pods and hardly anything else. Lists go out in pages; a watch of pods tells changes as fast as
/// asked for.
private final class ManyPods: Sendable {
    let eventsPerSecond = Atomic(0)
    private let count: Int
    private let nodes: Int

    init(count: Int) {
        self.count = count
        nodes = max(3, count / 100)
        let nodes = nodes
        pages = stride(from: 0, to: count, by: ManyPods.pageItems).map { start in
            let end = min(count, start + ManyPods.pageItems)
            let rest = end < count ? ",\"continue\":\"\(end)\",\"remainingItemCount\":\(count - end)" : ""
            let items = (start..<end).map { ManyPods.pod($0, revision: 1, nodes: nodes) }.joined(separator: ",")
            return Array(
                "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1000\"\(rest)},\"items\":[\(items)]}".utf8)
        }
    }

    /// What the console asks for at once.
    private static let pageItems = 500
    /// Made before anything is measured: a server whose time is not counted.
    private let pages: [[UInt8]]

    func answer(_ request: HTTPRequest) async -> HTTPServerReply {
        let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let query = Query(parsing: parts.count == 2 ? parts[1] : "") ?? [:]
        let path = parts.first ?? ""
        if query["watch"] == "true" { return watch(path) }
        switch path {
        case "/version": return json("{\"gitVersion\":\"v1.33.0\"}")
        case "/apis": return json("{\"kind\":\"APIGroupList\",\"groups\":[]}")
        case "/api/v1":
            return json(
                """
                {"kind":"APIResourceList","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod",\
                "verbs":["get","list","watch"],"shortNames":["po"]},{"name":"nodes","singularName":"node","namespaced":false,\
                "kind":"Node","verbs":["get","list","watch"]}]}
                """)
        case "/api/v1/pods":
            let page = (query["continue"].flatMap { Int($0) } ?? 0) / ManyPods.pageItems
            guard pages.indices.contains(page) else {
                return json("{\"kind\":\"PodList\",\"metadata\":{},\"items\":[]}")
            }
            return .whole(status: 200, headers: ["Content-Type": "application/json"], pieces: [pages[page]])
        case "/api/v1/nodes":
            let items = (0..<nodes).map(node).joined(separator: ",")
            return json("{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"1000\"},\"items\":[\(items)]}")
        default: return json("{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1000\"},\"items\":[]}")
        }
    }

    private func json(_ text: String) -> HTTPServerReply {
        .whole(status: 200, headers: ["Content-Type": "application/json"], pieces: [Array(text.utf8)])
    }

    private func watch(_ path: String) -> HTTPServerReply {
        .stream(status: 200, headers: ["Content-Type": "application/json"]) { [self] writer in
            let clock = SystemClock()
            var revision = 1001
            while true {
                try await clock.sleep(for: .milliseconds(20))
                let events = path == "/api/v1/pods" ? eventsPerSecond.load(ordering: .relaxed) / 50 : 0
                guard events > 0 else { continue }
                var text = ""
                for _ in 0..<events {
                    revision += 1
                    text +=
                        "{\"type\":\"MODIFIED\",\"object\":\(ManyPods.pod(revision &* 7919 % count, revision: revision, nodes: nodes))}\n"
                }
                try await writer.write(Array(text.utf8))
            }
        }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// About 2.5 kB, as pods of real clusters are without their managed fields.
    private static func pod(_ index: Int, revision: Int, nodes: Int) -> String {
        let app = index / 20
        let node = index % nodes
        let restarts = revision > 1 ? revision % 5 : 0
        return """
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-\(ManyPods.padded(index, 5))-7c9f6d5b8-x2lqz","generateName":"app-\
            \(app)-7c9f6d5b8-","namespace":"team-\(app % 50)","uid":"0b7c1f9e-6a1d-4c55-9d0e-\(ManyPods.padded(index, 12))",\
            "resourceVersion":"\(revision)","creationTimestamp":"2026-11-20T10:00:00Z","labels":{"app":"app-\(app)",\
            "app.kubernetes.io/managed-by":"Helm","pod-template-hash":"7c9f6d5b8","tier":"backend"},"annotations":{\
            "prometheus.io/scrape":"true","checksum/config":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},\
            "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"app-\(app)-7c9f6d5b8","uid":"5d3a1f9e-6a1d-4c55-\
            9d0e-\(ManyPods.padded(app, 12))","controller":true,"blockOwnerDeletion":true}]},"spec":{"volumes":[{"name":\
            "kube-api-access-4n8dm","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},\
            {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}}],"defaultMode":420}}],\
            "containers":[{"name":"server","image":"registry.example.com/team/app-\(app):1.2.3","ports":[{"name":"http",\
            "containerPort":8080,"protocol":"TCP"}],"env":[{"name":"LOG_LEVEL","value":"info"},{"name":"POD_IP","valueFrom":{\
            "fieldRef":{"apiVersion":"v1","fieldPath":"status.podIP"}}}],"resources":{"limits":{"memory":"256Mi"},"requests":{\
            "cpu":"50m","memory":"128Mi"}},"volumeMounts":[{"name":"kube-api-access-4n8dm","readOnly":true,"mountPath":\
            "/var/run/secrets/kubernetes.io/serviceaccount"}],"livenessProbe":{"httpGet":{"path":"/healthz","port":"http"},\
            "periodSeconds":10},"imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","serviceAccountName":"default",\
            "nodeName":"node-\(ManyPods.padded(node, 4))","tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists",\
            "effect":"NoExecute","tolerationSeconds":300}],"priority":0},"status":{"phase":"Running","conditions":[{"type":\
            "Initialized","status":"True","lastTransitionTime":"2026-11-20T10:00:01Z"},{"type":"Ready","status":"True",\
            "lastTransitionTime":"2026-11-20T10:00:05Z"},{"type":"ContainersReady","status":"True","lastTransitionTime":\
            "2026-11-20T10:00:05Z"},{"type":"PodScheduled","status":"True","lastTransitionTime":"2026-11-20T10:00:00Z"}],\
            "hostIP":"10.0.\(node / 250).\(node % 250)","podIP":"10.\(index / 62500).\(index / 250 % 250).\(index % 250)",\
            "startTime":"2026-11-20T10:00:00Z","containerStatuses":[{"name":"server","state":{"running":{"startedAt":\
            "2026-11-20T10:00:03Z"}},"lastState":{},"ready":true,"restartCount":\(restarts),"image":\
            "registry.example.com/team/app-\(app):1.2.3","imageID":"sha256:0123456789abcdef0123456789abcdef","containerID":\
            "containerd://0123456789abcdef0123456789abcdef0123456789abcdef","started":true}],"qosClass":"Burstable"}}
            """
    }

    private func node(_ index: Int) -> String {
        """
        {"apiVersion":"v1","kind":"Node","metadata":{"name":"node-\(ManyPods.padded(index, 4))","uid":"n-\(index)","resourceVersion":\
        "1","creationTimestamp":"2026-11-01T10:00:00Z"},"status":{"allocatable":{"cpu":"16","memory":"64Gi","pods":"250"},\
        "conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","lastTransitionTime":"2026-11-01T10:00:00Z"}]}}
        """
    }
}

/// A program in a terminal of 120 × 40, as its user sees it. `script` of util-linux makes the terminal. Owns the process
/// and the pipes to it.
private final class BenchTerminal {
    private let script: pid_t
    private let input: Int32
    private let output: Int32
    private let note: String
    private lazy var process: pid_t =
        (try? PrivateFile.read(note)).flatMap { $0 }.flatMap {
            pid_t(String(decoding: $0, as: UTF8.self).filter(\.isNumber))
        } ?? 0
    private var seen: [UInt8] = []

    /// Nil when the program does not start.
    init?(_ program: String, _ arguments: [String], home: String) {
        var down: [Int32] = [-1, -1]
        var up: [Int32] = [-1, -1]
        guard pipe(&down) == 0, pipe(&up) == 0 else { return nil }
        note = "\(home)/pid"
        let command = "stty cols 120 rows 40; echo $$ > \(note); exec \(([program] + arguments).joined(separator: " "))"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, down[0], 0)
        posix_spawn_file_actions_adddup2(&actions, up[1], 1)
        for end in down + up { posix_spawn_file_actions_addclose(&actions, end) }
        let texts: [String] = ["script", "-qfc", command, "/dev/null"]
        let settings: [String] = [
            "TERM=xterm-256color", "LANG=C.UTF-8", "HOME=\(home)", "PATH=/usr/bin:/bin", "SHELL=/bin/sh",
        ]
        let words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var script = pid_t()
        guard posix_spawn(&script, "/usr/bin/script", &actions, nil, words, variables) == 0 else { return nil }
        close(down[0])
        close(up[1])
        self.script = script
        input = down[1]
        output = up[0]
    }

    /// Types a text whose answer is a picture with a new `answer` in it. What was drawn before is read away first.
    func type(_ text: String, answer: String) {
        _ = drain()
        wanted = Array(answer.utf8)
        let bytes = Array(text.utf8)
        _ = write(input, bytes, bytes.count)
    }
    private var wanted: [UInt8] = []

    /// Reads what arrives within the time; nil when nothing did.
    private func read(within limit: Duration) -> [UInt8]? {
        var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
        guard poll(&waiting, 1, Int32(clamping: milliseconds)) > 0 else { return nil }
        var room = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(output, &room, room.count)
        return count > 0 ? Array(room[..<count]) : nil
    }

    func drain() -> Int {
        var total = 0
        while let bytes = read(within: .zero) { total += bytes.count }
        return total
    }

    /// Waits until a text has been written.
    func wait(for text: String, most limit: Duration) -> Bool {
        let clock = SystemClock()
        let end = clock.uptime() + limit
        let wanted = Array(text.utf8)
        while clock.uptime() < end {
            if seen.indices.contains(where: { seen[$0] == wanted[0] && seen[$0...].starts(with: wanted) }) {
                return true
            }
            guard let bytes = read(within: .milliseconds(100)) else { continue }
            seen = Array((seen + bytes).suffix(200_000))
        }
        return false
    }

    /// Time until the answer to what was typed has been drawn; nil when it is not.
    func answer(within limit: Duration) -> Duration? {
        let clock = SystemClock()
        let start = clock.uptime()
        var bytes: [UInt8] = []
        while clock.uptime() - start < limit {
            guard let more = read(within: limit - (clock.uptime() - start)) else { return nil }
            bytes += more
            if bytes.indices.contains(where: { bytes[$0...].starts(with: wanted) }) { return clock.uptime() - start }
        }
        return nil
    }

    /// Source: man 5 proc.
    var residentMB: Int {
        guard let bytes = try? PrivateFile.read("/proc/\(process)/status") else { return 0 }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024
        }
        return 0
    }
    var cpuSeconds: Double {
        guard let bytes = try? PrivateFile.read("/proc/\(process)/stat") else { return 0 }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    func end() {
        if process > 1 { kill(process, SIGTERM) }
        close(input)
        var status: Int32 = 0
        waitpid(script, &status, 0)
        close(output)
    }
}
