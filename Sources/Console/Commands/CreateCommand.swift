import Shared

/// `kconsole create -f`: makes new objects.
enum CreateCommand {
    static let verb = Verb(
        "create", "Create the objects of manifests; what exists already is an error.",
        flags: Manifests.flags + [
            .init(
                "dry-run", .one("server"), choices: ["server", "none"], help: "server: check everything, change nothing"
            ),
            GetCommand.outputFlag,
        ], run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard call.arguments.isGiven("filename") else { throw call.usage("create needs -f FILE") }
        let output = try Output(call.arguments["output"])
        let isDryRun = call.arguments["dry-run"] == "server"
        let session = try await call.session()
        let applier = Applier(session, isDryRun: isDryRun, isStrict: true)
        var code: Int32 = 0
        var results: [JSON] = []
        for object in try Manifests.read(call.arguments) {
            do {
                let result = try await applier.create(object, manager: "kubectl-create")
                results.append(result.object)
                if output.isTable { call.out("\(result.title) created\(isDryRun ? " (server dry run)" : "")") }
            } catch let status as Status {
                call.remark("\(Manifests.failure(status, object))")
                code = 1
            }
        }
        if !output.isTable {
            call.write(output.text(results, isSingle: results.count == 1, resources: try await session.resources()))
        }
        return code
    }
}
