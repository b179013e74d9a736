import Shared

/// `kconsole label` and `kconsole annotate`: change the labels or annotations of objects.
enum LabelCommands {
    static let label = verb("label", member: "labels", "Set or remove labels of objects.")
    static let annotate = verb("annotate", member: "annotations", "Set or remove annotations of objects.")

    private static func verb(_ name: String, member: String, _ summary: String) -> Verb {
        Verb(
            name, summary, operands: "KIND NAME… KEY=VALUE… KEY-…",
            flags: [
                .init("overwrite", help: "change a value that is there"), GetCommand.selectorFlag,
                .init("all", help: "all objects of the kind in the namespace"), GetCommand.allNamespacesFlag,
            ],
            notes: "KEY- removes. Example: kconsole \(name) pod web tier=front old-", completes: .objects
        ) { try await run($0, member: member) }
    }

    private static func run(_ call: Invocation, member: String) async throws -> Int32 {
        let isChange: (String) -> Bool = { $0.contains("=") || ($0.hasSuffix("-") && $0.count > 1) }
        let first = call.operands.firstIndex(where: isChange) ?? call.operands.count
        let changes = call.operands[first...]
        guard first > 0, !changes.isEmpty, changes.allSatisfy(isChange) else {
            throw call.usage("objects come first, then KEY=VALUE or KEY-")
        }
        let session = try await call.session()
        let selection = try Selection(Array(call.operands[..<first]), try await session.resources())
        var code: Int32 = 0
        for entry in selection.entries {
            guard !entry.names.isEmpty || call.arguments.has("all") || call.arguments.isGiven("selector") else {
                throw call.usage("name the objects, choose them with -l, or give --all")
            }
            for object in try await session.objects(entry, call.arguments) {
                do { try await change(object, entry.resource, Array(changes), member, session, call) } catch let failure
                    as Failure
                {
                    call.remark("\(failure)")
                    code = 1
                }
            }
        }
        return code
    }

    private static func change(
        _ object: JSON, _ resource: ServedResource, _ changes: [String], _ member: String, _ session: Session,
        _ call: Invocation
    ) async throws {
        let metadata = Object(object).metadata
        let title = "\(resource.title)/\(metadata.name)"
        let old = object["metadata"][member].strings
        let patch = try plan(changes, old, isOverwriting: call.arguments.has("overwrite"))
        let verb = member == "labels" ? "labeled" : "annotated"
        guard !patch.isEmpty else {
            call.out("\(title) not \(verb)")
            return
        }
        _ = try await session.client.call(
            "PATCH", resource.path(metadata.namespace, metadata.name),
            query: ["fieldManager": "kubectl-\(call.verb.name)"],
            body: ["metadata": [member: .object(patch)]], contentType: Client.PatchFormat.merge.rawValue)
        let isRemoval = patch.allSatisfy { $0.value.isNull } && member == "labels"
        call.out("\(title) \(isRemoval ? "unlabeled" : verb)")
    }

    /// The members to set, and to remove as null. Pure.
    /// - Throws: a sentence when a value would be overwritten.
    static func plan(_ changes: [String], _ old: [String: String], isOverwriting: Bool) throws(Failure) -> JSON.Members
    {
        var patch = JSON.Members()
        for change in changes {
            if let equals = change.firstIndex(of: "=") {
                let key = String(change[..<equals]), value = String(change[change.index(after: equals)...])
                if let present = old[key], present != value, !isOverwriting {
                    throw Failure("error: '\(key)' already has a value (\(present)), and --overwrite is false")
                }
                if old[key] != value { patch.set(key, .string(value)) }
            } else {
                let key = String(change.dropLast())
                if old[key] != nil { patch.set(key, .null) }
            }
        }
        return patch
    }
}
