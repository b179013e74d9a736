import Glibc
import Shared

/// `kconsole undo`: takes back the last change that this user made, after showing what that does.
enum UndoCommand {
    static let verb = Verb(
        "undo", "Take back your last change, after showing what that does.",
        flags: [
            .init("list", help: "list the changes that can be taken back"),
            .init("yes", short: "y", help: "do not ask"), .init("dry-run", help: "only show what would be done"),
        ],
        notes:
            "Known are the changes made with kconsole by this user. Fields that others changed since are left alone and named;\n"
            + "a deleted object comes back with a new uid; data of volumes and values of secrets do not come back.",
        run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        let ledger = Ledger(call.places)
        let groups = Ledger.undoable(ledger.entries(of: session.server))
        if call.arguments.has("list") {
            if groups.isEmpty { call.remark("Nothing was changed by you in this cluster, as far as is known.") }
            for (_, entries) in groups.prefix(50) {
                let age = entries.first.map { (call.clock.now() - $0.time).human } ?? ""
                call.out(SafeLine.clean("\(TextFit.pad(age, to: 8))\(title(entries))"))
            }
            return 0
        }
        guard let plan = try await plan(session.client, server: session.server, ledger) else {
            throw Failure("There is nothing to take back: no change made with kconsole in this cluster is known.")
        }
        call.out(plan.title)
        let isColoured = Colours.areWanted(call.places)
        for change in plan.changes {
            call.out(SafeLine.clean("\(change.verb.rawValue) \(change.subject)"))
            let text = change.lines.map { $0.line.text }.joined(separator: "\n")
            if !text.isEmpty {
                call.write(Colours.diff(SafeLine.clean(text, keepsLines: true) + "\n", isOn: isColoured))
            }
        }
        guard !plan.calls.isEmpty else { throw Failure("Nothing of it can be taken back.") }
        if call.arguments.has("dry-run") { return 0 }
        if !call.arguments.has("yes") {
            guard isatty(STDIN_FILENO) == 1 else { throw call.usage("undo asks before it acts; give --yes in scripts") }
            StandardStreams.write("Do this? [y/N] ", to: STDOUT_FILENO)
            guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
                call.out("Nothing was changed.")
                return 0
            }
        }
        try await Ledger.$group.withValue(plan.group) {
            for change in plan.calls {
                _ = try await session.client.call(
                    change.method, change.path, body: change.body, contentType: change.contentType)
            }
        }
        call.out("Taken back.")
        return 0
    }

    /// `deleted pod web-1 and 2 more`.
    static func title(_ entries: [Ledger.Entry]) -> String {
        let paths = UndoPlan.paths(entries)
        guard let first = paths.last else { return "" }
        let object = Object(first.before ?? first.after ?? [:])
        let verb = first.before == nil ? "created" : first.after == nil ? "deleted" : "changed"
        let more = paths.count > 1 ? " and \(paths.count - 1) more" : ""
        return "\(verb) \(object.kind.lowercased()) \(object.name)\(more)"
    }

    /// The plan that takes back the last group; nil when there is none.
    static func plan(_ client: Client, server: String, _ ledger: Ledger) async throws -> Plan? {
        guard let (group, entries) = Ledger.undoable(ledger.entries(of: server)).first else { return nil }
        var changes: [Plan.Change] = []
        for (path, before, after) in UndoPlan.paths(entries) {
            var live: JSON?
            do { live = try await client.call("GET", path).withoutManagedFields } catch let status as Status
                where status.reason == .notFound
            {}
            changes.append(UndoPlan.change(path, before: before, after: after, live: live))
        }
        return Plan(title: "Undo: \(title(entries))", changes: changes, group: "undo:\(group)")
    }
}
