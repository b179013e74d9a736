import Shared

/// What all screens look at: the cluster as far as it is known, and where the user is.
struct World: Sendable {
    /// What this cluster and build offer beyond the API.
    struct Abilities: Equatable, Sendable {
        var killNode = false
        var killContainer = false
        var shell = false
    }
    struct Entry: Equatable, Sendable {
        let time: Timestamp
        let text: String
        let tone: Style.Tone
    }

    var cluster: String
    var server: String
    var abilities = Abilities()
    var isReadOnly = false
    var now: Timestamp
    /// Seconds that local time is ahead of UTC.
    var zoneSeconds = 0

    /// Empty: all namespaces.
    var namespace = ""
    /// The namespaces used last, the newest first; keys 1 to 9.
    var favourites: [String] = []
    var catalog = Catalog()
    var feeds: [FeedKey: Feed] = [:]
    var pulse = Pulse.unknown
    var timeline = Timeline()
    var problems: [Problem] = []
    /// Sums over all pods, kept up with every change.
    var tally = Tally()
    /// The action log.
    var entries: [Entry] = []

    /// Feeds that are always on: the picture, the problems and the moments are made of them.
    static let overview: [FeedKey] = [
        .all(.nodes), .all(.pods), .all(.deployments), .all(.endpointSlices), .all(.events), .all(.services),
        .all(.statefulSets), .all(.daemonSets), .all(.jobs), .all(.claims), .all(.budgets),
    ]

    func feed(_ key: FeedKey) -> Feed { feeds[key] ?? Feed() }
    var pods: [Item.Key: Item] { feeds[.all(.pods)]?.items ?? [:] }
    var nodes: [Item.Key: Item] { feeds[.all(.nodes)]?.items ?? [:] }
    var events: [Item.Key: Item] { feeds[.all(.events)]?.items ?? [:] }
    var services: [Item.Key: Item] { feeds[.all(.services)]?.items ?? [:] }
    var slices: [Item.Key: Item] { feeds[.all(.endpointSlices)]?.items ?? [:] }

    func isShown(_ item: Item) -> Bool { namespace.isEmpty || item.namespace.isEmpty || item.namespace == namespace }
    var namespaceTitle: String { namespace.isEmpty ? "all namespaces" : namespace }

    func age(_ item: Item) -> String { TextFit.age(since: item.created, now) }
    func clock(_ time: Timestamp) -> String { TextFit.clock(time, zoneSeconds: zoneSeconds) }

    mutating func record(_ text: String, _ tone: Style.Tone) {
        entries.append(Entry(time: now, text: text, tone: tone))
        if entries.count > Limits.messagesMax { entries.removeFirst(entries.count - Limits.messagesMax) }
    }

    /// The pods that a workload, service, job or node stands for.
    func pods(of target: Target) -> [Item] {
        if target.resource == .pods { return pods[target.key].map { [$0] } ?? [] }
        let belongs = belongs(to: target)
        return pods.values.filter(belongs)
    }

    /// Whether a pod is one of those that a workload, service, job or node stands for.
    func belongs(to target: Target) -> @Sendable (Item) -> Bool {
        let key = target.key
        switch target.resource.plural {
        case "nodes": return { $0.pod?.node == key.name }
        case "pods": return { $0.key == key }
        case "services":
            guard let selector = services[key]?.service?.selector, !selector.isEmpty else { return { _ in false } }
            return { $0.namespace == key.namespace && World.matches($0, selector) }
        case "deployments":
            // Through its ReplicaSets, whose names are its own and the hash of the pods' template.
            return { pod in
                guard pod.namespace == key.namespace, let owner = pod.owner, owner.kind == "ReplicaSet",
                    let hash = pod.labels["pod-template-hash"], !hash.isEmpty
                else { return false }
                return owner.name.utf8.count == key.name.utf8.count + 1 + hash.utf8.count
                    && owner.name.hasPrefix(key.name) && owner.name.hasSuffix(hash)
            }
        default:
            let kind = target.resource.type.kind
            return { $0.namespace == key.namespace && $0.owner?.name == key.name && $0.owner?.kind == kind }
        }
    }
    static func matches(_ item: Item, _ selector: [String: String]) -> Bool {
        selector.allSatisfy { item.labels[$0.key] == $0.value }
    }

    /// Services whose ready endpoints include one of these pods, with the count of those that stay.
    func serving(_ pods: Set<Item.Key>) -> [(service: Item.Key, ready: Int, left: Int)] {
        slices.values.compactMap { slice in
            guard let facts = slice.slice, !facts.service.isEmpty else { return nil }
            let hit = facts.readyPods.filter { pods.contains(Item.Key(namespace: slice.namespace, name: $0)) }.count
            guard hit > 0 else { return nil }
            return (Item.Key(namespace: slice.namespace, name: facts.service), facts.ready, facts.readyPods.count - hit)
        }.sorted { $0.service < $1.service }
    }
}
