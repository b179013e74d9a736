import Shared

/// `kconsole diff`: what apply would change.
enum DiffCommand {
    static let verb = Verb(
        "diff", "Show what apply would change.", flags: Manifests.flags,
        notes: "Exit code 0: nothing would change; 1: something would, or the request failed.", run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard call.arguments.isGiven("filename") else { throw call.usage("diff needs -f FILE") }
        let session = try await call.session()
        let applier = Applier(session, isDryRun: true, isStrict: true)
        var code: Int32 = 0
        for object in try Manifests.read(call.arguments) {
            do {
                let (resource, namespace, name) = try await applier.place(object)
                var old = JSON.null
                do { old = try await session.client.call("GET", resource.path(namespace, name)) } catch let status
                    as Status
                    where status.reason == .notFound
                {}
                let new = try await applier.apply(object, manager: "kubectl-client-side-apply").object
                let text = LineDiff.unified(
                    old.isNull ? "" : DiffCommand.text(old), DiffCommand.text(new),
                    oldName: "live/\(resource.title)/\(name)",
                    newName: "applied/\(resource.title)/\(name)")
                if text.isEmpty { continue }
                call.write(Colours.diff(SafeLine.clean(text, keepsLines: true), isOn: Colours.areWanted(call.places)))
                code = 1
            } catch let status as Status {
                call.remark("\(Manifests.failure(status, object))")
                code = 1
            }
        }
        return code
    }

    /// The object as text without what changes by itself.
    private static func text(_ json: JSON) -> String {
        var json = json.withoutManagedFields
        json["metadata"].remove("resourceVersion")
        json["metadata"]["annotations"].remove(LastApplied.annotation)
        if json["metadata"]["annotations"].members.isEmpty { json["metadata"].remove("annotations") }
        return YAML.emit(json.sorted)
    }
}
