import Shared
import Synchronization

/// The resources that are served now: those of Kubernetes and those that definitions in the store add. Follows the store
/// commit by commit. A class: one truth that all requests read.
final class LiveRegistry: Sendable {
    private struct State {
        var registry = Registry.builtIn
        /// Grows with every change; what is made from the registry is made anew then.
        var generation = 0
        /// By name of the definition.
        var custom: [String: [Resource]] = [:]
        var byResource: [GroupResource: Resource] = [:]
    }
    private let state = Mutex(State())

    static let definitions = GroupResource(group: "apiextensions.k8s.io", "customresourcedefinitions")

    var current: Registry { state.withLock { $0.registry } }
    var generation: Int { state.withLock { $0.generation } }
    /// A custom resource in one of its versions; nil for any other resource.
    func custom(_ resource: GroupResource) -> Resource? { state.withLock { $0.byResource[resource] } }

    /// Takes over a definition as it is now.
    func put(_ definition: JSON) {
        let resources = Resource.custom(definition)
        update(Object(definition).name, resources)
    }
    func remove(_ name: String) { update(name, []) }

    private func update(_ name: String, _ resources: [Resource]) {
        state.withLock { state in
            if resources.isEmpty, state.custom[name] == nil { return }
            state.custom[name] = resources.isEmpty ? nil : resources
            var registry = Registry.builtIn
            state.byResource = [:]
            for (_, resources) in state.custom.sorted(by: { $0.key < $1.key }) {
                for resource in resources {
                    // What the server has by itself cannot be taken over.
                    if registry.resource(group: resource.group, version: resource.version, plural: resource.plural)
                        != nil
                    {
                        continue
                    }
                    registry.add(resource)
                    state.byResource[resource.groupResource] = resource
                }
            }
            state.registry = registry
            state.generation += 1
        }
    }
}
