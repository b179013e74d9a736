import Shared

/// `kconsole delete`: removes objects and waits until they are gone.
enum DeleteCommand {
    static let verb = Verb(
        "delete", "Delete objects by name, label or manifest.", operands: "[KIND [NAME…] | KIND/NAME…]",
        flags: Manifests.flags + [
            GetCommand.selectorFlag, GetCommand.allNamespacesFlag,
            .init("all", help: "all objects of the kind in the namespace"),
            .init("field-selector", .one("FIELDS"), help: "only objects with these fields"),
            .init("grace-period", .one("SECONDS"), help: "time that pods get to end; -1 is their own wish"),
            .init("force", help: "with --grace-period=0: do not wait until the node confirms"),
            .init("now", help: "the same as --grace-period=1"),
            .init(
                "cascade", .one("HOW"), fallback: "background", choices: ["background", "foreground", "orphan"],
                help: "what becomes of the objects that belong to it"),
            .init("wait", fallback: "true", help: "wait until the objects are gone"),
            .init("timeout", .one("DURATION"), help: "how long to wait; 0 is as long as it takes"),
            .init("ignore-not-found", help: "what does not exist is no error"),
            .init("dry-run", .one("server"), choices: ["server", "none"], help: "server: check, change nothing"),
            GetCommand.outputFlag,
        ], completes: .objects, run: run)

    private struct Victim: Sendable {
        let title: String
        let path: String
        let uid: String
    }

    private static func run(_ call: Invocation) async throws -> Int32 {
        var options: JSON = ["kind": "DeleteOptions", "apiVersion": "v1"]
        let cascades = ["background": "Background", "foreground": "Foreground", "orphan": "Orphan"]
        guard let propagation = cascades[call.arguments["cascade"] ?? "background"] else {
            throw call.usage("--cascade takes background, foreground or orphan")
        }
        var grace = try call.arguments["grace-period"].map { text throws(UsageError) -> Int in
            guard let seconds = Int(text), seconds >= -1 else {
                throw call.usage("--grace-period takes seconds, not \"\(text)\"")
            }
            return seconds
        }
        if call.arguments.has("now") { grace = 1 }
        if call.arguments.has("force") {
            grace = grace ?? 0
            call.remark(
                "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely."
            )
        } else if grace == 0 {
            // As kubectl: without --force the end is awaited.
            grace = 1
        }
        if let grace, grace >= 0 { options["gracePeriodSeconds"] = JSON(grace) }
        options["propagationPolicy"] = .string(propagation)
        if call.arguments["dry-run"] == "server" { options["dryRun"] = ["All"] }
        let session = try await call.session()
        var code: Int32 = 0
        let targets = try await targets(call, session, &code)
        let isShort = call.arguments["output"] == "name"
        var waiting: [Victim] = []
        for (resource, namespace, name) in targets {
            let path = resource.path(namespace, name)
            do {
                let answer = try await session.client.call("DELETE", path, body: options)
                let uid = answer["metadata"]["uid"].string ?? answer["details"]["uid"].string ?? ""
                waiting.append(Victim(title: "\(resource.title)/\(name)", path: path, uid: uid))
                let word = call.arguments.has("force") ? "force deleted" : "deleted"
                let dry = call.arguments["dry-run"] == "server" ? " (server dry run)" : ""
                call.out(isShort ? "\(resource.title)/\(name)" : "\(resource.title) \"\(name)\" \(word)\(dry)")
            } catch let status as Status {
                if status.reason == .notFound, call.arguments.has("ignore-not-found") { continue }
                call.remark(ErrorText.sentence(status))
                code = 1
            }
        }
        let isWaiting = !call.arguments.isGiven("wait") || call.arguments.has("wait")
        if isWaiting, call.arguments["dry-run"] != "server" {
            try await waitUntilGone(
                waiting, session.client, call, limit: try call.arguments.duration("timeout") ?? .zero)
        }
        return code
    }

    private static func targets(_ call: Invocation, _ session: Session, _ code: inout Int32) async throws
        -> [(ServedResource, String, String)]
    {
        if call.arguments.isGiven("filename") {
            let applier = Applier(session, isDryRun: false, isStrict: false)
            var found: [(ServedResource, String, String)] = []
            for object in try Manifests.read(call.arguments) { found.append(try await applier.place(object)) }
            // What was made last goes first, so that nothing is left without what it stands on.
            return found
        }
        guard !call.operands.isEmpty else { throw call.usage("delete needs objects, such as pod/web, or -f FILE") }
        let selection = try Selection(call.operands, try await session.resources())
        var found: [(ServedResource, String, String)] = []
        for entry in selection.entries {
            if !entry.names.isEmpty {
                found += entry.names.map { (entry.resource, session.namespace, $0) }
                continue
            }
            let isChosen = ["selector", "field-selector"].contains { call.arguments.isGiven($0) }
            guard call.arguments.has("all") || isChosen else {
                throw call.usage(
                    "name the objects, choose them with -l, or give --all to delete all \(entry.resource.type.plural)")
            }
            found += try await session.objects(entry, call.arguments).map {
                (entry.resource, Object($0).namespace, Object($0).name)
            }
        }
        if found.isEmpty { call.out("No resources found") }
        return found
    }

    /// Asks until each object is gone or another one has its name.
    private static func waitUntilGone(_ victims: [Victim], _ client: Client, _ call: Invocation, limit: Duration)
        async throws
    {
        let deadline = call.clock.uptime() + limit
        for victim in victims {
            var backoff = Backoff(first: .milliseconds(50), most: .seconds(1))
            while true {
                do {
                    let object = try await client.call("GET", victim.path)
                    if !victim.uid.isEmpty, object["metadata"]["uid"].string != victim.uid { break }
                } catch let status as Status where status.reason == .notFound {
                    break
                }
                if limit > .zero, call.clock.uptime() > deadline {
                    throw Failure(
                        "\(victim.title) is still there after \(limit.human); look at its finalizers with kconsole get \(victim.title) -o yaml"
                    )
                }
                try await call.clock.sleep(for: backoff.next())
            }
        }
    }
}
