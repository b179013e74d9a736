import Shared

/// `kconsole edit`: changes objects in the user's editor.
enum EditCommand {
    static let verb = Verb(
        "edit", "Change objects in your editor.", operands: "KIND NAME… | KIND/NAME…",
        flags: [GetCommand.selectorFlag],
        notes:
            "The editor is $KUBE_EDITOR, $VISUAL, $EDITOR or vi. What the server refuses is shown in it again, with the reason.\n"
            + "Example: kconsole edit deploy/web",
        completes: .objects, run: run)

    private static let head = [
        "Change the object below. Lines that begin with # are left out; an empty text changes nothing.",
        "What can not be saved is shown here again, with the reason.",
    ]

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard !call.operands.isEmpty else { throw call.usage("edit needs an object, such as deploy/web") }
        let session = try await call.session()
        let selection = try Selection(call.operands, try await session.resources())
        var live: [JSON] = []
        for entry in selection.entries {
            guard !entry.names.isEmpty || call.arguments.isGiven("selector") else {
                throw call.usage("name the objects or choose them with -l")
            }
            live += try await session.objects(entry, call.arguments).map(\.withoutManagedFields)
        }
        guard !live.isEmpty else { throw Failure("No object has these labels; nothing was changed.") }
        let editor = Editor(environment: call.places.environment)
        var shown = YAML.emit((live.count == 1 ? live[0] : list(live)).sorted)
        var reasons: [String] = []
        for _ in 0..<Limits.editsMax {
            let text = comment(head + (reasons.isEmpty ? [] : [""] + reasons)) + shown
            guard let edited = try await editor.edit(text) else {
                guard reasons.isEmpty else { throw refusal(reasons, shown, editor) }
                call.remark("Edit cancelled, no changes made.")
                return 0
            }
            let body = withoutComments(edited)
            guard body.contains(where: { !$0.isWhitespace }) else {
                call.remark("Edit cancelled, saved file was empty.")
                return 0
            }
            // The same text again: the user gives up.
            if !reasons.isEmpty, body == shown { throw refusal(reasons, shown, editor) }
            reasons = []
            do {
                let changes = try EditCommand.changes(Manifests.parse(Array(body.utf8), file: "the edited text"), live)
                if changes.isEmpty {
                    call.remark("Edit cancelled, no changes made.")
                    return 0
                }
                for (old, new) in changes { reasons += try await save(old, new, session, call) }
            } catch { reasons = ["\(ErrorText.sentence(error))"] }
            if reasons.isEmpty { return 0 }
            shown = body
        }
        throw refusal(reasons, shown, editor)
    }

    /// Why nothing was saved, and where the text is that the user wrote.
    private static func refusal(_ reasons: [String], _ text: String, _ editor: Editor) -> Failure {
        let place = editor.keep(text).map { "; your text is kept in \($0)" } ?? ""
        let reason = reasons.joined(separator: " ")
        return Failure("error: \(reason.hasSuffix(".") ? String(reason.dropLast()) : reason)\(place)")
    }

    /// Sends what differs.
    /// - Returns: why the server refuses it.
    private static func save(_ old: JSON, _ new: JSON, _ session: Session, _ call: Invocation) async throws -> [String]
    {
        let object = Object(old)
        guard
            let resource = try await session.resources().find(kind: object.kind, apiVersion: object.apiVersion)
        else { return ["the server has no \(object.kind) of \(object.apiVersion) any more"] }
        let patch: JSON
        let format: Client.PatchFormat
        if !resource.type.group.contains(".") || resource.type.group.hasSuffix(".k8s.io"),
            let schema = try await SchemaSource(session.client).schema(resource.type)
        {
            (patch, format) = (StrategicMergePatch.create(from: old, to: new, schema: schema), .strategic)
        } else {
            (patch, format) = (MergePatch.create(original: old, modified: new, current: old), .merge)
        }
        do {
            _ = try await session.client.call(
                "PATCH", resource.path(object.namespace, object.name), query: ["fieldManager": "kubectl-edit"],
                body: patch, contentType: format.rawValue)
            call.out("\(resource.title)/\(object.name) edited")
            return []
        } catch let status as Status {
            return ["\(resource.title) \"\(object.name)\" was not saved:"]
                + ErrorText.sentence(status).split(separator: "\n").map(String.init)
        }
    }

    /// The objects that are not what they were, before and after. Pure.
    /// - Throws: a sentence when an edited object is none of those that were shown.
    static func changes(_ edited: [ManifestObject], _ live: [JSON]) throws(Failure) -> [(old: JSON, new: JSON)] {
        func identity(_ json: JSON) -> [String] {
            let object = Object(json)
            return [object.apiVersion, object.kind, object.namespace, object.name]
        }
        var changes: [(old: JSON, new: JSON)] = []
        for object in edited {
            guard let old = live.first(where: { identity($0) == identity(object.json) }) else {
                throw Failure(
                    "\(object.place): apiVersion, kind, namespace and name tell which object it is and can not be edited; make a new one with kconsole create."
                )
            }
            if old.sorted != object.json.sorted { changes.append((old, object.json)) }
        }
        return changes
    }

    private static func list(_ items: [JSON]) -> JSON {
        ["apiVersion": "v1", "kind": "List", "items": .array(items), "metadata": [:]]
    }

    static func comment(_ lines: [String]) -> String {
        lines.map { $0.isEmpty ? "#\n" : "# \(SafeLine.clean($0))\n" }.joined() + "#\n"
    }

    /// The comments above the object; those inside of it belong to its texts perhaps.
    static func withoutComments(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0.hasPrefix("#") }
            .joined(separator: "\n")
    }
}
