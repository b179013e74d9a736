import Shared

/// `kconsole scale`: how many pods a workload has.
enum ScaleCommand {
    static let verb = Verb(
        "scale", "Set how many pods workloads have.", operands: "KIND NAME… | KIND/NAME…",
        flags: [
            .init("replicas", .one("N"), help: "how many"),
            .init("current-replicas", .one("N"), help: "only when there are as many now"),
            GetCommand.selectorFlag,
        ], completes: .objects, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard let replicas = try call.arguments.int("replicas", in: 0...1_000_000) else {
            throw call.usage("scale needs --replicas N")
        }
        let expected = try call.arguments.int("current-replicas", in: 0...1_000_000)
        guard !call.operands.isEmpty else { throw call.usage("scale needs an object, such as deploy/web") }
        let session = try await call.session()
        let selection = try Selection(call.operands, try await session.resources())
        for entry in selection.entries {
            guard entry.resource.subresources.contains("scale") else {
                throw Failure(
                    "A \(entry.resource.type.kind) can not be scaled; deployments, replicasets and statefulsets can.")
            }
            guard !entry.names.isEmpty || call.arguments.isGiven("selector") else {
                throw call.usage("name the objects or choose them with -l")
            }
            let names =
                entry.names.isEmpty
                ? try await session.objects(entry, call.arguments).map { Object($0).name } : entry.names
            for name in names {
                let path = entry.resource.path(session.namespace, name, subresource: "scale")
                var body: JSON = ["spec": ["replicas": JSON(replicas)]]
                if let expected {
                    let scale = try await session.client.call("GET", path)
                    let now = scale.at("spec", "replicas").int ?? 0
                    guard now == expected else {
                        throw Failure(
                            "\(entry.resource.title)/\(name) has \(now) replicas, not \(expected); nothing was changed."
                        )
                    }
                    body["metadata"] = ["resourceVersion": scale["metadata"]["resourceVersion"]]
                }
                _ = try await session.client.call(
                    "PATCH", path, body: body, contentType: Client.PatchFormat.merge.rawValue)
                call.out("\(entry.resource.title)/\(name) scaled")
            }
        }
        return 0
    }
}
