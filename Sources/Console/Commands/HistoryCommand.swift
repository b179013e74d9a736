import Shared

/// `kconsole history`: how an object changed, out of what the server still keeps.
enum HistoryCommand {
    static let verb = Verb(
        "history", "Show how an object changed, step by step.", operands: "KIND NAME | KIND/NAME",
        flags: [
            .init("status", help: "also changes of the status"),
            .init("limit", .one("N"), fallback: "50", help: "only the last N changes"),
        ],
        notes:
            "A kmaster keeps 24 hours, other servers a few minutes.\nExample: kconsole history deploy/web",
        completes: .objects,
        run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard !call.operands.isEmpty else { throw call.usage("history needs an object, such as deploy/web") }
        let limit = try call.arguments.int("limit", in: 1...100_000) ?? 50
        let session = try await call.session()
        let selection = try Selection(call.operands, try await session.resources())
        guard selection.entries.count == 1, let entry = selection.entries.first, entry.names.count == 1 else {
            throw call.usage("history takes one object, such as deploy/web")
        }
        let name = entry.names[0]
        let versions = try await versions(of: name, entry.resource, session, call)
        guard !versions.isEmpty else {
            throw Failure("\(entry.resource.title)/\(name) has not changed in the time that the server keeps.")
        }
        var before: JSON?
        var steps: [String] = []
        for (type, object) in versions {
            let seen = call.arguments.has("status") ? object : HistoryCommand.withoutStatus(object)
            let text = step(type, object, from: before, to: seen)
            before = type == "DELETED" ? nil : seen
            if let text { steps.append(text) }
        }
        if steps.isEmpty {
            call.remark("Only its status changed; --status shows that too.")
            return 0
        }
        if steps.count > limit {
            call.remark("\(steps.count - limit) earlier changes are left out; --limit shows more.")
        }
        let isColoured = Colours.areWanted(call.places)
        for text in steps.suffix(limit) {
            call.write(Colours.diff(SafeLine.clean(text, keepsLines: true), isOn: isColoured))
        }
        return 0
    }

    private static func withoutStatus(_ json: JSON) -> JSON {
        var json = json
        json.remove("status")
        return json
    }

    /// One change as text; nil when nothing that counts changed.
    private static func step(_ type: String, _ object: JSON, from before: JSON?, to after: JSON) -> String? {
        let metadata = Object(object).metadata
        let revision = metadata.resourceVersion
        let writer = lastWriter(object)
        let head = "revision \(revision)\(writer.isEmpty ? "" : "  \(writer)")"
        if type == "DELETED" { return "\(head)  deleted\n" }
        guard let before else {
            return "\(head)  \(metadata.creationTimestamp.map { "made \($0.rfc3339)" } ?? "first known")\n"
        }
        let lines = LineDiff.unified(
            YAML.emit(plain(before).sorted), YAML.emit(plain(after).sorted), oldName: "before", newName: "after"
        ).split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
        let body = lines.joined(separator: "\n")
        return body.isEmpty || body == "\n" ? nil : "\(head)\n\(body)\n"
    }

    /// Without what every write changes.
    private static func plain(_ json: JSON) -> JSON {
        var json = json.withoutManagedFields
        for field in ["resourceVersion", "generation"] { json["metadata"].remove(field) }
        json["metadata"]["annotations"].remove(LastApplied.annotation)
        return json
    }

    /// `kubectl-edit at 2026-11-27T07:20:55Z`: who owns the newest write, as far as the object tells.
    private static func lastWriter(_ object: JSON) -> String {
        let fields = object.at("metadata", "managedFields").items
        guard let last = fields.max(by: { ($0["time"].string ?? "") < ($1["time"].string ?? "") }),
            let manager = last["manager"].string
        else { return "" }
        return "by \(manager)" + (last["time"].string.map { " at \($0)" } ?? "")
    }

    /// Every version that the server still keeps, oldest first, with the type of its event.
    private static func versions(of name: String, _ resource: ServedResource, _ session: Session, _ call: Invocation)
        async throws -> [(String, JSON)]
    {
        let path = resource.path(session.namespace)
        let list = try await session.client.call("GET", path, query: ["fieldSelector": "metadata.name=\(name)"])
        let now = list.at("metadata", "resourceVersion").string ?? ""
        var start = "1"
        for attempt in 0..<2 {
            do { return try await watch(path, name, from: start, to: now, session, call) } catch let status as Status
                where status.code == 410 && attempt == 0
            {
                // The oldest revision that is kept stands in the refusal: `too old resource version: 1 (4711)`.
                guard let open = status.message.lastIndex(of: "("), let close = status.message.lastIndex(of: ")"),
                    open < close
                else { throw status }
                start = String(status.message[status.message.index(after: open)..<close])
            }
        }
        return []
    }

    private static func watch(
        _ path: String, _ name: String, from start: String, to end: String, _ session: Session, _ call: Invocation
    ) async throws -> [(String, JSON)] {
        let query: Query = [
            "watch": "true", "fieldSelector": "metadata.name=\(name)", "resourceVersion": start, "timeoutSeconds": "2",
            "allowWatchBookmarks": "true",
        ]
        let answer = try await session.client.transport.stream(
            session.client.request("GET", path, query: query, accept: "application/json"))
        defer { answer.body.close() }
        guard answer.status == 200 else { throw try await Session.refusal(answer) }
        let last = Revision(end)
        var found: [(String, JSON)] = []
        var cutter = LineCutter()
        while let piece = try await answer.body.next() {
            for line in try cutter.lines(adding: piece) {
                let event: (String, JSON)
                switch try WatchEvent(line: line) {
                case .added(let object): event = ("ADDED", object)
                case .modified(let object): event = ("MODIFIED", object)
                case .deleted(let object): event = ("DELETED", object)
                case .bookmark(let object):
                    if let at = Object(object).metadata.revision, let last, at >= last { return found }
                    continue
                case .failed(let status): throw status
                }
                found.append(event)
                if found.count > Limits.historyVersionsMax { found.removeFirst() }
                if let at = Object(event.1).metadata.revision, let last, at >= last { return found }
            }
        }
        return found
    }
}

extension Limits {
    /// Versions of one object that are read for its history; the oldest go first.
    static let historyVersionsMax = 5_000
}
