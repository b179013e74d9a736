import FoundationEssentials
import Glibc
import Shared

/// Performs actions and asks the server for plans.
enum Work {
    static func perform(_ work: Action.Work, _ source: ClusterSource, _ clock: any WallClock) async throws {
        switch work {
        case .killNode(let name):
            guard let kill = source.killNode else {
                throw Status(.badRequest, "this cluster's nodes can not be killed from here")
            }
            try await kill(name)
        case .killContainer(let namespace, let pod, let container):
            guard let kill = source.killContainer else {
                throw Status(.badRequest, "containers can not be ended from here")
            }
            try await kill(namespace, pod, container)
        case .calls(let calls):
            for call in calls { try await perform(call, source, clock) }
        }
    }

    /// A patient call is repeated for a minute while a budget holds it back.
    private static func perform(_ call: Action.Call, _ source: ClusterSource, _ clock: any WallClock)
        async throws
    {
        for attempt in 0... {
            do {
                _ = try await source.call(call)
                return
            } catch let status as Status where status.code == 429 && call.isPatient && attempt < 30 {
                try await clock.sleep(for: .seconds(2))
            } catch let status as Status where status.code == 404 && call.acceptsMissing {
                return
            }
        }
    }

    // MARK: Plans.

    /// Reads a manifest and has the server tell, without doing it, what applying it would change.
    static func plan(file: String, _ source: ClusterSource) async throws -> Plan {
        let path = file.hasPrefix("~/") ? (ProcessInfo.processInfo.environment["HOME"] ?? "") + file.dropFirst() : file
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Status(.badRequest, "the file can not be read; give the path of a manifest")
        }
        guard data.count <= Limits.bodyBytesMax else {
            throw Status(.requestEntityTooLarge, "the file is larger than \(Limits.bodyBytesMax / 1_048_576) MB")
        }
        let documents = try source.parseManifest([UInt8](data)).flatMap {
            $0["kind"].string == "List" ? $0["items"].items : [$0]
        }
        let resources = try await source.discover()
        var changes: [Plan.Change] = []
        for document in documents where !document.isNull { changes.append(await change(document, resources, source)) }
        return Plan(title: "Apply \(file)", changes: changes)
    }

    private static func change(_ document: JSON, _ resources: [Resource], _ source: ClusterSource) async -> Plan.Change
    {
        let object = Object(document)
        let subject = "\(object.kind.lowercased()) \(object.name)"
        guard let resource = resources.first(where: { $0.type.kind == object.kind && $0.type.group == object.group })
        else {
            return Plan.Change(
                verb: .refused, subject: subject,
                lines: [
                    DiffLine(kind: .removed, text: "the server lists no kind \(object.kind) in \(object.apiVersion)")
                ], call: nil)
        }
        let namespace = resource.type.isNamespaced ? object.namespace.isEmpty ? "default" : object.namespace : ""
        let path = resource.type.path(namespace: namespace, name: URLText.encode(object.name))
        do {
            let live = try await existing(path, source)
            var call = Action.Call(
                method: "PATCH", path: path, query: ["fieldManager=kconsole", "force=true"], body: document,
                contentType: Client.PatchFormat.apply.rawValue)
            let result: JSON
            do {
                result = try await dryRun(call, source)
            } catch let status as Status where status.code == 415 || status.code == 405 {
                // A server without server-side apply: create, or merge what the manifest says.
                call =
                    live == nil
                    ? Action.Call(method: "POST", path: resource.type.path(namespace: namespace), body: document)
                    : Action.Call(
                        method: "PATCH", path: path, body: document, contentType: Client.PatchFormat.merge.rawValue)
                result = try await dryRun(call, source)
            }
            let lines = TextDiff.between(live, result)
            if live != nil, lines.isEmpty { return Plan.Change(verb: .same, subject: subject, lines: [], call: nil) }
            return Plan.Change(verb: live == nil ? .create : .change, subject: subject, lines: lines, call: call)
        } catch let status as Status {
            let causes = status.causes.map { DiffLine(kind: .removed, text: "\($0.field): \($0.message)") }
            return Plan.Change(
                verb: .refused, subject: subject,
                lines: causes.isEmpty ? [DiffLine(kind: .removed, text: status.description)] : causes, call: nil)
        } catch {
            return Plan.Change(
                verb: .refused, subject: subject, lines: [DiffLine(kind: .removed, text: "\(error)")], call: nil)
        }
    }

    private static func existing(_ path: String, _ source: ClusterSource) async throws -> JSON? {
        do { return try await source.call(Action.Call(method: "GET", path: path)) } catch let status as Status
            where status.code == 404
        { return nil }
    }
    private static func dryRun(_ call: Action.Call, _ source: ClusterSource) async throws -> JSON {
        var call = call
        call.query.append("dryRun=All")
        return try await source.call(call)
    }

    /// What an editor shows: without the server's bookkeeping, but with the revision, so that a change meanwhile is refused.
    static func editable(_ json: JSON) -> JSON {
        var json = json
        json["metadata"].remove("managedFields")
        json.remove("status")
        return json
    }

    static func plan(edited text: String, _ live: JSON, _ target: Target, _ source: ClusterSource) throws -> Plan {
        guard let document = try source.parseManifest(Array(text.utf8)).first(where: { !$0.isNull }) else {
            throw Status(.badRequest, "the edited text is empty; nothing was changed")
        }
        var body = document
        if body["metadata"]["resourceVersion"].isNull {
            body["metadata"]["resourceVersion"] = live.at("metadata", "resourceVersion")
        }
        let lines = TextDiff.between(live, document)
        let call = Action.Call(method: "PUT", path: target.path(), body: body)
        let verb: Plan.Change.Verb = lines.isEmpty ? .same : .change
        return Plan(
            title: "Edit \(target.text)",
            changes: [Plan.Change(verb: verb, subject: target.text, lines: lines, call: lines.isEmpty ? nil : call)])
    }
}
