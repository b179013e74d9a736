import Shared

/// `kconsole rollout`: the course of changes to a workload.
enum RolloutCommand {
    static let verb = Verb(
        "rollout", "Watch, restart, undo, pause or list the rollouts of a workload.",
        operands: "status|restart|undo|history|pause|resume KIND/NAME…",
        flags: [
            .init("watch", short: "w", fallback: "true", help: "status: wait for the end"),
            .init("timeout", .one("DURATION"), help: "status: give up after this time"),
            .init("revision", .one("N"), help: "history: show this revision"),
            .init("to-revision", .one("N"), help: "undo: go back to this revision (default: the one before)"),
            GetCommand.selectorFlag,
        ], actions: ["status", "restart", "undo", "history", "pause", "resume"], completes: .objects, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let actions = verb.actions
        guard let action = call.operands.first, actions.contains(action) else {
            throw call.usage("rollout takes \(actions.joined(separator: ", "))")
        }
        guard call.operands.count > 1 else { throw call.usage("rollout \(action) needs an object, such as deploy/web") }
        let session = try await call.session()
        let selection = try Selection(Array(call.operands.dropFirst()), try await session.resources())
        for entry in selection.entries {
            for object in try await session.objects(entry, call.arguments) {
                let target = RolloutTarget(resource: entry.resource, object: object, session: session, call: call)
                switch action {
                case "status": if try await !target.awaitEnd() { return 1 }
                case "restart": try await target.restart()
                case "undo": try await target.undo()
                case "history": try await target.history()
                case "pause": try await target.setPaused(true)
                default: try await target.setPaused(false)
                }
            }
        }
        return 0
    }
}

/// One workload whose rollout is looked at or changed.
struct RolloutTarget: Sendable {
    let resource: ServedResource
    let object: JSON
    let session: Session
    let call: Invocation

    private var name: String { Object(object).name }
    private var title: String { "\(resource.title)/\(name)" }
    private var path: String { resource.path(session.namespace, name) }

    /// - Returns: false when it failed or took too long.
    func awaitEnd() async throws -> Bool {
        let isWaiting = !call.arguments.isGiven("watch") || call.arguments.has("watch")
        let limit = try call.arguments.duration("timeout") ?? .zero
        let deadline = call.clock.uptime() + limit
        var object = object
        var said = ""
        while true {
            switch try Rollouts.progress(object) {
            case .done(let text):
                call.out(text)
                return true
            case .failed(let text):
                call.remark(text)
                return false
            case .waiting(let text):
                if text != said { call.out(text) }
                said = text
                if !isWaiting { return true }
            }
            if limit > .zero, call.clock.uptime() > deadline {
                call.remark("error: timed out waiting for the condition")
                return false
            }
            try await call.clock.sleep(for: .milliseconds(150))
            object = try await session.client.call("GET", path)
        }
    }

    func restart() async throws {
        guard ["Deployment", "StatefulSet", "DaemonSet"].contains(resource.type.kind) else {
            throw Failure("A \(resource.type.kind) can not be restarted; deployments, daemonsets and statefulsets can.")
        }
        if object.at("spec", "paused").bool == true {
            throw Failure("\(title) is paused; go on with kconsole rollout resume \(title) first.")
        }
        let stamp: JSON = ["kubectl.kubernetes.io/restartedAt": .string(call.clock.now().rfc3339)]
        try await patch(["spec": ["template": ["metadata": ["annotations": stamp]]]])
        call.out("\(title) restarted")
    }

    func setPaused(_ isPaused: Bool) async throws {
        guard resource.type.kind == "Deployment" else {
            throw Failure("A \(resource.type.kind) can not be paused; a deployment can.")
        }
        if (object.at("spec", "paused").bool ?? false) == isPaused {
            throw Failure("error: deployments.apps \"\(name)\" is \(isPaused ? "already paused" : "not paused")")
        }
        try await patch(["spec": ["paused": isPaused ? true : nil]])
        call.out("\(title) \(isPaused ? "paused" : "resumed")")
    }

    private func patch(_ patch: JSON) async throws {
        _ = try await session.client.call(
            "PATCH", path, query: ["fieldManager": "kubectl-rollout"], body: patch,
            contentType: Client.PatchFormat.strategic.rawValue)
    }

    private func revisions() async throws -> [(number: Int, set: JSON)] {
        switch resource.type.kind {
        case "Deployment":
            let sets = try await session.list(
                ReplicaSet.type.path(namespace: session.namespace), query: Rollouts.query(object))
            return Rollouts.revisions(sets, of: object)
        case "StatefulSet", "DaemonSet":
            let uid = Object(object).metadata.uid
            let all = try await session.list(
                "/apis/apps/v1/namespaces/\(session.namespace)/controllerrevisions", query: Rollouts.query(object))
            return all.filter { Object($0).metadata.controller?.uid == uid }
                .compactMap { item in item["revision"].int.map { ($0, item) } }.sorted { $0.0 < $1.0 }
        default:
            throw Failure("A \(resource.type.kind) has no revisions; deployments, daemonsets and statefulsets have.")
        }
    }

    private func template(_ set: JSON) -> JSON {
        Rollouts.withoutHash(set["spec"].isNull ? set.at("data", "spec", "template") : set.at("spec", "template"))
    }

    func history() async throws {
        let revisions = try await revisions()
        if let wanted = try call.arguments.int("revision", in: 1...Int.max) {
            guard let found = revisions.first(where: { $0.number == wanted }) else {
                throw Failure(
                    "error: unable to find the specified revision; known are \(revisions.map { "\($0.number)" }.joined(separator: ", "))"
                )
            }
            var text = DescribeText(now: call.clock.now())
            let whole = found.set["spec"].isNull ? template(found.set) : found.set.at("spec", "template")
            text.template(whole)
            call.write("\(title) with revision #\(wanted)\n\(text.text)\n")
            return
        }
        call.out("\(title) ")
        var lines = "REVISION\tCHANGE-CAUSE\n"
        for (number, set) in revisions {
            let cause = Object(set).metadata.annotations["kubernetes.io/change-cause"] ?? "<none>"
            lines += "\(number)\t\(SafeLine.clean(cause))\n"
        }
        call.write(ElasticTabs.format(lines) + "\n")
    }

    func undo() async throws {
        guard resource.type.kind == "Deployment" else {
            throw Failure("kconsole undoes rollouts of deployments; apply the former manifest of \(title) instead.")
        }
        if object.at("spec", "paused").bool == true {
            throw Failure("\(title) is paused; go on with kconsole rollout resume \(title) first.")
        }
        let revisions = try await revisions()
        let wanted = try call.arguments.int("to-revision", in: 0...Int.max) ?? 0
        let current = Rollouts.withoutHash(object.at("spec", "template"))
        let chosen = wanted == 0 ? revisions.dropLast().last : revisions.first { $0.number == wanted }
        guard let chosen else {
            throw Failure(
                wanted == 0
                    ? "error: no rollout history found for deployment \"\(name)\""
                    : "error: unable to find specified revision \(wanted) in history; known are \(revisions.map { "\($0.number)" }.joined(separator: ", "))"
            )
        }
        if template(chosen.set) == current {
            call.out("\(title) skipped rollback (current template already matches revision \(chosen.number))")
            return
        }
        // Annotations of the revision come back too, without those that the controller writes.
        var annotations = Object(object).metadata.annotations
        let kept = ["kubectl.kubernetes.io/last-applied-configuration", Rollouts.revisionAnnotation]
        if let cause = Object(chosen.set).metadata.annotations["kubernetes.io/change-cause"] {
            annotations["kubernetes.io/change-cause"] = cause
        } else {
            annotations["kubernetes.io/change-cause"] = nil
        }
        annotations = annotations.filter { kept.contains($0.key) || !$0.key.hasPrefix("deployment.kubernetes.io/") }
        let patch: JSON = [
            ["op": "replace", "path": "/spec/template", "value": template(chosen.set)],
            ["op": "replace", "path": "/metadata/annotations", "value": JSON(annotations)],
        ]
        _ = try await session.client.call("PATCH", path, body: patch, contentType: Client.PatchFormat.json.rawValue)
        call.out("\(title) rolled back")
    }
}
