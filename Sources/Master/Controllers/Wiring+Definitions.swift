import Shared

/// Custom resource definitions.
extension Wiring {
    mutating func addDefinitions(_ client: (String) -> Client) {
        let name = "customresourcedefinition-controller"
        let queue = queue(name)
        let definitions = caches.definitions
        definitions.add { change in
            queue.add(change.object.key)
            // A name that another definition has given up may be what this one waits for.
            for other in definitions.list() where other.group == change.object.group { queue.add(other.key) }
        }
        run(
            name, CustomDefinitions(client: client(name), definitions: definitions, clock: clock), queue, workers: 1)
    }
}
