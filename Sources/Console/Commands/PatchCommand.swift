import Shared

/// `kconsole patch`: changes fields of objects.
enum PatchCommand {
    static let verb = Verb(
        "patch", "Change fields of objects.", operands: "KIND NAME… | KIND/NAME…",
        flags: [
            .init("patch", short: "p", .one("PATCH"), help: "the change, as JSON or YAML"),
            .init("patch-file", .one("FILE"), help: "a file with the change"),
            .init(
                "type", .one("TYPE"), fallback: "strategic", choices: ["strategic", "merge", "json"],
                help:
                    "how it is merged: strategic knows lists of the API's own kinds, merge replaces them, json is a list of operations"
            ),
            .init("subresource", .one("NAME"), help: "change a part with rights of its own, such as status or scale"),
            .init(
                "dry-run", .one("server"), choices: ["server", "none"], help: "server: check everything, change nothing"
            ),
            GetCommand.outputFlag,
        ],
        notes:
            "Example: kconsole patch deploy/web -p '{\"spec\":{\"replicas\":3}}'\n"
            + "Example: kconsole patch node node-1 --type json -p '[{\"op\":\"remove\",\"path\":\"/spec/unschedulable\"}]'",
        completes: .objects, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard !call.operands.isEmpty else { throw call.usage("patch needs an object, such as deploy/web") }
        let patch = try read(call)
        let type = call.arguments["type"] ?? "strategic"
        guard let format = format(type) else {
            throw call.usage("--type takes strategic, merge or json, not \"\(type)\"")
        }
        guard format == .json ? patch.array != nil : patch.object != nil else {
            throw Failure(
                format == .json
                    ? "The patch is no list of operations; an example is [{\"op\":\"remove\",\"path\":\"/spec/paused\"}]."
                    : "The patch is no object; an example is {\"spec\":{\"replicas\":3}}.")
        }
        let mode = call.arguments["dry-run"] ?? "none"
        guard ["none", "server"].contains(mode) else {
            throw call.usage("--dry-run takes server or none, not \"\(mode)\"")
        }
        let output = try Output(call.arguments["output"])
        let session = try await call.session()
        let selection = try Selection(call.operands, try await session.resources())
        var query: Query = ["fieldManager": "kubectl-patch"]
        if mode == "server" { query.add("dryRun", "All") }
        var results: [JSON] = []
        for entry in selection.entries {
            guard !entry.names.isEmpty else { throw call.usage("name the object, such as deploy/web") }
            for name in entry.names {
                let subresource = call.arguments["subresource"]
                let path = entry.resource.path(session.namespace, name, subresource: subresource)
                let before = try await session.client.call("GET", path)
                let after = try await session.client.call(
                    "PATCH", path, query: query, body: patch, contentType: format.rawValue)
                results.append(after)
                guard output.isTable else { continue }
                let isSame = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
                call.out(
                    "\(entry.resource.title)/\(name) patched\(isSame && mode == "none" ? " (no change)" : "")"
                        + (mode == "server" ? " (server dry run)" : ""))
            }
        }
        if !output.isTable {
            call.write(output.text(results, isSingle: results.count == 1, resources: try await session.resources()))
        }
        return 0
    }

    static func format(_ type: String) -> Client.PatchFormat? {
        switch type {
        case "strategic": .strategic
        case "merge": .merge
        case "json": .json
        default: nil
        }
    }

    /// The patch of the flags, written as JSON or YAML.
    private static func read(_ call: Invocation) throws -> JSON {
        let bytes: [UInt8]
        let place: String
        switch (call.arguments["patch"], call.arguments["patch-file"]) {
        case (let text?, nil): (bytes, place) = (Array(text.utf8), "--patch")
        case (nil, let file?):
            guard let read = try PrivateFile.read(file) else {
                throw Failure("There is no file \(file); check the path after --patch-file.")
            }
            (bytes, place) = (read, file)
        default: throw call.usage("patch needs either -p PATCH or --patch-file FILE")
        }
        guard let document = try YAML.parse(bytes, file: place).first(where: { !$0.isEmpty }) else {
            throw Failure("The patch is empty; nothing was changed.")
        }
        return document.value
    }
}
