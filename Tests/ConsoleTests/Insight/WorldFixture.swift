import Shared

@testable import Console

extension World {
    /// A world in which everything there is has been listed.
    static func of(_ objects: [Resource: [JSON]], refused: [Resource] = []) -> World {
        var world = World(cluster: "demo", server: "https://127.0.0.1:6443", now: FakeCluster.now)
        for key in World.overview {
            var feed = Feed()
            let items = (objects[key.resource] ?? []).map { Item.project($0, key.resource.type) }
            let changes = feed.receive(.page(items, columns: [], isFirst: true, remaining: nil), now: world.now)
            if key == .all(.pods) { world.tally.observe(changes) }
            _ = feed.receive(.listed, now: world.now)
            if refused.contains(key.resource) {
                _ = feed.receive(.refused(Status(.forbidden, "forbidden")), now: world.now)
            }
            world.feeds[key] = feed
        }
        return world
    }

    /// The explanation of one of its objects as text: facts in order, then what else is told.
    func why(_ resource: Resource, _ name: String, in namespace: String = "default") -> [String] {
        let key = Item.Key(namespace: resource.type.isNamespaced ? namespace : "", name: name)
        let why = Why.explain(Target(resource: resource, key: key, uid: "u-\(name)"), Evidence(self))
        return why.chain.map(\.text) + why.also.map { "also: \($0.text)" } + why.advice.map { "do: \($0)" }
            + why.unseen.map { "unseen: \($0)" }
    }
}
