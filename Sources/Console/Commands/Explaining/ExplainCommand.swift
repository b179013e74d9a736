import Shared

/// `kconsole explain`: what a kind and its fields mean.
enum ExplainCommand {
    static let verb = Verb(
        "explain", "Tell what a kind and its fields mean.", operands: "KIND[.FIELD…]",
        flags: [
            .init("recursive", help: "all fields below, without their descriptions"),
            .init("api-version", .one("VERSION"), help: "the version to explain, such as apps/v1"),
        ],
        notes: "Example: kconsole explain deployment.spec.strategy", completes: .objects, run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard call.operands.count == 1, let operand = call.operands.first, !operand.hasPrefix(".") else {
            throw call.usage("explain needs one kind, such as pod or pod.spec.containers")
        }
        let session = try await call.session()
        let (resource, path) = try split(operand, try await session.resources(), call.arguments["api-version"])
        guard let schema = try await SchemaSource(session.client).schema(resource.type) else {
            throw Failure("The server does not describe the fields of \(resource.title).")
        }
        let explanation = Explanation(resource: resource, schemas: schema.all, root: schema.schema)
        call.write(try explanation.text(path, isDeep: call.arguments.has("recursive")))
        return 0
    }

    /// The kind that the first words name, perhaps with its group, and the fields behind it. Pure.
    static func split(_ operand: String, _ known: ServedResources, _ version: String?) throws(Failure)
        -> (resource: ServedResource, path: [String])
    {
        let parts = operand.split(separator: ".").map(String.init)
        guard let first = parts.first else { throw Failure("A kind is missing, such as pod.") }
        guard let version else { return (try known.require(first), Array(parts.dropFirst())) }
        let named = try known.require(first)
        guard let resource = known.find(kind: named.type.kind, apiVersion: version) else {
            let served = known.all.filter { $0.type.kind == named.type.kind }.map(\.type.apiVersion)
            throw Failure(
                "The server has no \(named.type.kind) of \(version); it is served as \(served.joined(separator: " and "))."
            )
        }
        return (resource, Array(parts.dropFirst()))
    }
}
