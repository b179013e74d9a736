import Shared

/// `kconsole logs`: what containers have written.
enum LogsCommand {
    static let verb = Verb(
        "logs", "Print the logs of a pod or of a workload's pods.", operands: "POD | KIND/NAME [CONTAINER]",
        flags: [
            .init("follow", short: "f", help: "go on with new lines"),
            .init("previous", short: "p", help: "of the container's run before the last restart"),
            .init("container", short: "c", .one("NAME"), help: "which container (default: the first)"),
            .init("all-containers", help: "all containers of the pod"),
            .init("all-pods", help: "all pods of the workload"),
            .init("tail", .one("N"), help: "only the last N lines (with -l: 10 by default; -1 is all)"),
            .init("since", .one("DURATION"), help: "only lines of this last time, such as 5m"),
            .init("since-time", .one("TIME"), help: "only lines after this time, such as 2026-01-02T15:04:05Z"),
            .init("timestamps", help: "with the time of each line"),
            .init("prefix", help: "with pod and container before each line"),
            .init("limit-bytes", .one("N"), help: "at most so many bytes"),
            GetCommand.selectorFlag,
        ], completes: .pods, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        var pods: [JSON]
        if call.arguments.isGiven("selector") {
            pods = try await session.list(
                Pod.type.path(namespace: session.namespace), query: try session.query(call.arguments))
            if pods.isEmpty { call.remark("No resources found in \(session.namespace) namespace.") }
        } else {
            guard let operand = call.operands.first, call.operands.count <= 2 else {
                throw call.usage("logs needs a pod or a workload, such as deploy/web")
            }
            pods = try await PodChoice.pods(operand, session)
            if !call.arguments.has("all-pods") {
                if pods.count > 1 { call.remark("Found \(pods.count) pods, using pod/\(Object(pods[0]).name)") }
                pods = Array(pods.prefix(1))
            }
        }
        let wanted = call.arguments["container"] ?? (call.operands.count == 2 ? call.operands[1] : nil)
        var streams: [LogStream] = []
        for pod in pods {
            let names: [String]
            if call.arguments.has("all-containers") {
                names = (pod.at("spec", "initContainers").items + pod.at("spec", "containers").items).compactMap {
                    $0["name"].string
                }
            } else {
                names = [try PodChoice.container(pod, wanted)]
            }
            let all = pod.at("spec", "containers").items.compactMap { $0["name"].string }
            if wanted == nil, names.count == 1, all.count > 1 {
                call.remark("Defaulted container \"\(names[0])\" out of: \(all.joined(separator: ", "))")
            }
            streams += names.map { LogStream(pod: Object(pod).name, container: $0) }
        }
        let query = try query(call)
        let isFollowing = call.arguments.has("follow")
        if !isFollowing || streams.count == 1 {
            for stream in streams { try await print(stream, query, session, call) }
            return 0
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for stream in streams { group.addTask { try await print(stream, query, session, call) } }
            try await group.waitForAll()
        }
        return 0
    }

    private struct LogStream: Sendable {
        let pod: String
        let container: String
    }

    private static func query(_ call: Invocation) throws -> Query {
        var query = Query()
        if call.arguments.has("follow") { query.add("follow", "true") }
        if call.arguments.has("previous") { query.add("previous", "true") }
        if call.arguments.has("timestamps") { query.add("timestamps", "true") }
        var tail = call.arguments["tail"]
        if tail == nil, call.arguments.isGiven("selector") { tail = "10" }
        if let tail {
            guard let lines = Int(tail), lines >= -1 else {
                throw call.usage("--tail takes a number of lines, not \"\(tail)\"")
            }
            if lines >= 0 { query.add("tailLines", "\(lines)") }
        }
        if let since = try call.arguments.duration("since") {
            query.add("sinceSeconds", "\(max(1, Int(since.inSeconds.rounded(.up))))")
        }
        if let time = call.arguments["since-time"] { query.add("sinceTime", time) }
        if let bytes = try call.arguments.int("limit-bytes", in: 1...Int.max) { query.add("limitBytes", "\(bytes)") }
        return query
    }

    private static func print(_ stream: LogStream, _ base: Query, _ session: Session, _ call: Invocation) async throws {
        var query = base
        query.add("container", stream.container)
        let path = Pod.type.path(namespace: session.namespace, name: URLText.encode(stream.pod), subresource: "log")
        let answer = try await session.client.transport.stream(
            session.client.request("GET", path, query: query, accept: "*/*"))
        defer { answer.body.close() }
        guard answer.status == 200 else { throw try await Session.refusal(answer) }
        let prefix = call.arguments.has("prefix") ? "[pod/\(stream.pod)/\(stream.container)] " : ""
        var cutter = LineCutter()
        while let piece = try await answer.body.next() {
            if prefix.isEmpty {
                // Bytes go through as they are: a log is the program's own business, as with kubectl.
                StandardBytes.write(piece, to: 1)
            } else {
                for line in try cutter.lines(adding: piece) {
                    StandardBytes.write(Array(prefix.utf8) + line + [10], to: 1)
                }
            }
        }
    }
}
