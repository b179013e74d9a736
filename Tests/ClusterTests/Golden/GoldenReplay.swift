import Shared
import Synchronization
import TestKit

@testable import Master

/// Sends the requests of a recorded scenario to a server in this process and compares the answers.
struct GoldenReplay {
    let scenario: GoldenScenario
    let cluster: InProcessCluster
    private let transport: InProcessTransport
    private var match: GoldenMatch
    private var open: [String: Watch] = [:]
    private var outcome = Outcome()

    /// What became of a scenario.
    struct Outcome {
        /// What was wrong at each of the levels: status, reason and causes; the texts; everything else.
        var misses: [[String]] = [[], [], []]

        /// 3 when all was right, 0 when a request had another outcome than in the recording.
        var level: Int { misses.firstIndex { !$0.isEmpty } ?? 3 }
        mutating func add(_ level: Int, _ lines: [String], _ step: String) {
            misses[level] += lines.map { "  \(step)\n      \($0)" }
        }
    }

    /// A stream that is being read.
    private final class Watch: Sendable {
        let state = Mutex<(response: HTTPResponse?, isDone: Bool)>((nil, false))
        let task = Mutex<Task<Void, Never>?>(nil)
        let step: GoldenScenario.Step
        init(_ step: GoldenScenario.Step) { self.step = step }
    }

    private struct Answer {
        var status = 0
        var headers: HTTPHeaders = [:]
        var body: JSON = .null
        var text = ""
    }

    private init(_ scenario: GoldenScenario, _ cluster: InProcessCluster, namespace: String) {
        self.scenario = scenario
        self.cluster = cluster
        transport = InProcessTransport(
            server: cluster.plane.server,
            user: User("admin", groups: ["system:masters", "system:authenticated"], uid: "1"),
            executor: cluster.executor)
        match = GoldenMatch(namespace: namespace)
    }

    /// Runs a scenario in an empty namespace of its own, which is removed afterwards with everything else it made.
    static func run(_ scenario: GoldenScenario, on cluster: InProcessCluster, number: Int) async throws -> Outcome {
        let namespace = "golden-\(number)"
        var replay = GoldenReplay(scenario, cluster, namespace: namespace)
        try await replay.makeNamespace()
        for step in scenario.steps { try await replay.take(step) }
        try await replay.cleanUp()
        return replay.outcome
    }

    // MARK: Steps

    private mutating func take(_ step: GoldenScenario.Step) async throws {
        if let seconds = step.json["sleep"].double {
            return try await cluster.run(for: .milliseconds(Int(seconds * 1000)))
        }
        if let name = step.json["collect"].string {
            guard let watch = open.removeValue(forKey: name) else { return }
            return judge(try await finish(watch), step, watch.step)
        }
        if step.isWatch {
            let watch = start(step)
            if let name = step.json["start"].string {
                open[name] = watch
                try await cluster.idle()
                return
            }
            return judge(try await finish(watch), step, step)
        }
        var answer = try await send(step)
        let until = step.json["until"]
        var attempts = 80
        while !until.isNull, attempts > 0, !holds(until, answer) {
            try await cluster.run(for: .milliseconds(250))
            answer = try await send(step)
            attempts -= 1
        }
        judge(answer, step, step)
        guard step.request["method"] != "GET" else { return }
        // Open watches end with time, which must not pass before they have seen what comes.
        if open.isEmpty { try await cluster.settle() } else { try await cluster.idle() }
    }

    private func holds(_ until: JSON, _ answer: Answer) -> Bool {
        if let status = until["status"].int { return answer.status == status }
        let value = GoldenReplay.value(answer.body, until["path"].string ?? "")
        if until["equals"].isNull { return !value.isNull && value != "" }
        return value == until["equals"]
    }

    /// The value at `status.conditions[1].status`.
    private static func value(_ json: JSON, _ path: String) -> JSON {
        var value = json
        for part in path.split(separator: ".") {
            let pieces = part.split { $0 == "[" || $0 == "]" }
            value = value[String(pieces.first ?? "")]
            for index in pieces.dropFirst() { value = value[Int(index) ?? 0] }
        }
        return value
    }

    // MARK: Requests

    private func request(_ step: GoldenScenario.Step) -> HTTPRequest {
        let recorded = step.request
        var headers: HTTPHeaders = ["User-Agent": "golden", "Accept": "application/json"]
        for (name, value) in recorded["headers"].members { headers[name] = match.filled(value.string ?? "") }
        var query = Query()
        for (name, value) in recorded["query"].members { query.add(name, match.filled(value.string ?? value.text)) }
        var body: [UInt8] = []
        if let raw = recorded["rawBody"].string {
            body = Array(match.filled(raw).utf8)
        } else if recorded.object?["body"] != nil {
            body = match.filled(recorded["body"]).encoded
        }
        let path = match.filled(recorded["path"].string ?? "")
        return HTTPRequest(
            recorded["method"].string ?? "GET", query.isEmpty ? path : "\(path)?\(query.text)", headers: headers,
            body: body)
    }

    private func send(_ step: GoldenScenario.Step) async throws -> Answer {
        // A watch that should have been refused ends with time.
        if !step.request["query"]["watch"].isNull { return try await finish(start(step)) }
        return GoldenReplay.answer(try await transport.send(request(step)))
    }

    private func start(_ step: GoldenScenario.Step) -> Watch {
        let watch = Watch(step)
        let (transport, request) = (transport, request(step))
        // Unstructured: the stream is read while the scenario goes on.
        let task = Task(executorPreference: cluster.executor) {
            var response = HTTPResponse(0)
            if let stream = try? await transport.stream(request) {
                response = HTTPResponse(stream.status, headers: stream.headers)
                while let piece = try? await stream.body.next() { response.body += piece }
            }
            let done = response
            watch.state.withLock { $0 = (done, true) }
        }
        watch.task.withLock { $0 = task }
        return watch
    }

    /// Lets time pass until the server ends the stream.
    private func finish(_ watch: Watch) async throws -> Answer {
        for _ in 0..<80 where !watch.state.withLock({ $0.isDone }) {
            try await cluster.idle()
            try await cluster.run(for: .milliseconds(250))
        }
        watch.task.withLock { $0?.cancel() }
        return GoldenReplay.answer(watch.state.withLock { $0.response } ?? HTTPResponse(0))
    }

    private static func answer(_ response: HTTPResponse) -> Answer {
        var answer = Answer(status: response.status, headers: response.headers)
        answer.text = String(decoding: response.body, as: UTF8.self)
        if response.headers["Content-Type"]?.hasPrefix("application/yaml") == true {
            answer.body = (try? YAML.parse(response.body))?.first?.value ?? .null
        } else {
            answer.body = (try? JSON(parsing: response.body)) ?? .null
        }
        return answer
    }

    // MARK: Judgement

    private mutating func judge(_ answer: Answer, _ step: GoldenScenario.Step, _ asked: GoldenScenario.Step) {
        let wanted = step.response
        let request = asked.request
        let name = "\(request["method"].text) \(request["path"].text) \(wanted["status"].text)"
        match.clearMisses()
        if !wanted["events"].isNull {
            judgeEvents(answer, wanted, name, asksForBookmarks: !request["query"]["allowWatchBookmarks"].isNull)
            return
        }
        var expected = wanted["body"]
        if let text = wanted["text"].string, wanted["headers"]["Content-Type"].string?.contains("yaml") == true {
            let filled = text.replacing("{ns}", with: match.namespace)
            expected = (try? YAML.parse(Array(filled.utf8)))?.first?.value ?? .null
        }
        expected = scenario.reduced(expected)
        var mine = scenario.reduced(answer.body)
        if request["method"] == "DELETE", expected["kind"] != "Status", mine["kind"] != "Status" {
            // Newer servers answer with the version of the deletion, the recorded one with that before (1.27).
            expected["metadata"].remove("resourceVersion")
            mine["metadata"].remove("resourceVersion")
        }
        let isRefusal = answer.status >= 400 || wanted["status"].int ?? 0 >= 400
        var other: [String] = []
        if answer.status != wanted["status"].int {
            other.append("status is \(answer.status) \(answer.status >= 400 ? String(answer.text.prefix(600)) : "")")
        }
        if isRefusal, mine["reason"] != expected["reason"] {
            other.append("reason is \(mine["reason"].text) want \(expected["reason"].text)")
        }
        if isRefusal, causes(mine) != causes(expected) {
            other.append("causes are \(causes(mine)) want \(causes(expected))")
        }
        outcome.add(0, other, name)
        if isRefusal {
            match.compare(mine["message"], expected["message"], at: "message")
            let causes = mine["details"]["causes"].items
            for (index, cause) in expected["details"]["causes"].items.enumerated() where index < causes.count {
                match.compare(causes[index]["message"], cause["message"], at: "causes[\(index)].message")
            }
            outcome.add(1, match.misses, name)
            match.clearMisses()
        }
        if answer.status == wanted["status"].int { match.compare(mine, expected) }
        if let text = wanted["text"].string, expected.isNull, answer.text != text {
            match.miss("text", "is \(answer.text)")
        }
        judgeHeaders(answer, wanted)
        outcome.add(2, match.misses, name)
    }

    private mutating func judgeHeaders(_ answer: Answer, _ wanted: JSON) {
        for name in ["Content-Type", "Warning", "Retry-After", "Allow"] {
            let expected = wanted["headers"][name].string ?? ""
            let all = answer.headers.all(name)
            let mine =
                (expected.isEmpty ? all.filter { !GoldenVersions.isNewWarning($0) } : all).joined(separator: ", ")
            if mine != expected, !wanted["headers"].isNull { match.miss(name, "is \(mine) want \(expected)") }
        }
    }

    /// The number of bookmarks depends on timing, so only their form is compared.
    private mutating func judgeEvents(
        _ answer: Answer, _ wanted: JSON, _ name: String, asksForBookmarks: Bool
    ) {
        var frames: [JSON] = []
        for line in answer.text.split(separator: "\n") {
            frames.append((try? JSON(parsing: Array(line.utf8))) ?? .string(String(line)))
        }
        func types(_ frames: [JSON]) -> [String] { frames.map { $0["type"].string ?? "" }.filter { $0 != "BOOKMARK" } }
        var other: [String] = []
        if answer.status != wanted["status"].int { other.append("status is \(answer.status) \(answer.text)") }
        if types(frames) != types(wanted["events"].items) {
            other.append("events are \(types(frames)) want \(types(wanted["events"].items))")
        }
        outcome.add(0, other, name)
        let mine = frames.filter { $0["type"] != "BOOKMARK" }
        let expected = wanted["events"].items.filter { $0["type"] != "BOOKMARK" }
        for (index, frame) in expected.enumerated() where index < mine.count {
            match.compare(scenario.reduced(mine[index]), scenario.reduced(frame), at: "events[\(index)]")
        }
        let bookmark = wanted["events"].items.first { $0["type"] == "BOOKMARK" }
        let bookmarks = frames.filter { $0["type"] == "BOOKMARK" }
        if let bookmark {
            if bookmarks.isEmpty { match.miss("events", "no bookmark, want \(bookmark.text)") }
            for var frame in bookmarks {
                frame["object"]["metadata"]["resourceVersion"] = "?"
                var form = bookmark
                form["object"]["metadata"]["resourceVersion"] = "?"
                match.compare(frame, form, at: "bookmark")
            }
        } else if !bookmarks.isEmpty, !asksForBookmarks {
            match.miss("events", "an unwanted bookmark")
        }
        judgeHeaders(answer, wanted)
        outcome.add(2, match.misses, name)
    }

    private func causes(_ body: JSON) -> [String] {
        body["details"]["causes"].items.map { "\($0["field"].text) \($0["reason"].text)" }.sorted()
    }

    // MARK: Surroundings

    private func makeNamespace() async throws {
        let namespace = match.namespace
        let client = cluster.client
        _ = try await client.create(Namespace(name: namespace))
        if cluster.settings.parts == .server {
            _ = try await client.create(ServiceAccount(name: "default", namespace: namespace))
            var map = ConfigMap(name: "kube-root-ca.crt", namespace: namespace)
            map.json["data"] = ["ca.crt": ""]
            _ = try await client.create(map)
        }
        try await cluster.settle()
    }

    /// Removes what the scenario made, past all finalizers.
    private func cleanUp() async throws {
        let plane = cluster.plane
        for stored in plane.store.list(GroupResource(group: "apiextensions.k8s.io", "customresourcedefinitions")).items
        {
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/\(stored.key.name)"
            _ = try await transport.send(HTTPRequest("DELETE", path))
        }
        try await cluster.settle()
        var done: Set<GroupResource> = []
        for resource in plane.storage.registry.resources where resource.isStored {
            guard done.insert(resource.groupResource).inserted else { continue }
            for stored in plane.store.list(resource.groupResource).items {
                let key = stored.key
                let owned = resource.isNamespaced ? key.namespace : key.name
                guard owned == match.namespace || owned.hasPrefix("ga-") || key.name.hasPrefix("ga-") else { continue }
                _ = try await plane.store.write { transaction throws(Status) in
                    if let last = transaction.get(key) { try transaction.delete(key, final: try last.json()) }
                }
            }
        }
        try await cluster.settle()
    }
}
