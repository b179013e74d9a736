import Shared

/// Accepts the names of custom resource definitions, and deletes the objects of those that go.
struct CustomDefinitions: Reconciler {

    let client: Client
    let definitions: Informer<CustomResourceDefinition>
    let clock: any WallClock

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let definition = definitions.get(name: key.name) else { return .settled }
        if definition.metadata.isDeleting { return try await cleanUp(definition) }
        let others = definitions.list().filter { $0.group == definition.group && $0.name != definition.name }
        let plan = CustomNamesPlan.make(definition.json, others: others.map(\.json), now: clock.now())
        let status = definition.json["status"]
        if status["acceptedNames"] == plan.acceptedNames, definition.conditions == plan.conditions { return .settled }
        var changed = definition
        changed.json["status"]["acceptedNames"] = plan.acceptedNames
        changed.json["status"]["conditions"] = .array(plan.conditions.map(\.json))
        do {
            _ = try await client.updateStatus(changed)
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }

    /// Deletes all objects of the definition; it goes when they are gone.
    private func cleanUp(_ definition: CustomResourceDefinition) async throws -> Outcome {
        guard definition.metadata.finalizers.contains(CustomResourceDefinition.finalizer) else { return .settled }
        if let collection = definition.collection {
            let left: [JSON]
            do {
                left = try await client.call("GET", collection)["items"].items
            } catch let status as Status where status.reason == .notFound { left = [] }
            if !left.isEmpty {
                try await note(
                    definition, true, "InstanceDeletionInProgress", "CustomResource deletion is in progress")
                for object in left where !Object(object).metadata.isDeleting {
                    let path = definition.path(of: Object(object))
                    do { _ = try await client.call("DELETE", path) } catch let status as Status
                        where status.reason == .notFound
                    {}
                }
                // Objects with finalizers of their own take their time.
                return .again(after: .seconds(1))
            }
        }
        var changed = definition
        changed.metadata.finalizers.removeAll { $0 == CustomResourceDefinition.finalizer }
        do {
            _ = try await client.patch(
                CustomResourceDefinition.self, name: definition.name, .merge,
                [
                    "metadata": [
                        "resourceVersion": .string(definition.metadata.resourceVersion),
                        "finalizers": changed.metadata.finalizers.isEmpty ? .null : JSON(changed.metadata.finalizers),
                    ]
                ])
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }

    private func note(
        _ definition: CustomResourceDefinition, _ isTrue: Bool, _ reason: String, _ message: String
    ) async throws {
        if let known = definition.condition("Terminating"), known.reason == reason { return }
        var changed = definition
        var conditions = changed.conditions.filter { $0.type != "Terminating" }
        conditions.append(Condition("Terminating", isTrue, reason: reason, message: message, since: clock.now()))
        changed.json["status"]["conditions"] = .array(conditions.map(\.json))
        do {
            _ = try await client.updateStatus(changed)
        } catch let status as Status where status.reason == .notFound || status.reason == .conflict {}
    }
}
