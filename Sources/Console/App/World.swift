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
    /// The action log.
    var entries: [Entry] = []

    /// Feeds that are always on: the picture, the problems and the moments are made of them.
    static let overview: [FeedKey] = [
        .all(.nodes), .all(.pods), .all(.deployments), .all(.endpointSlices), .all(.events),
    ]

    func feed(_ key: FeedKey) -> Feed { feeds[key] ?? Feed() }
    var pods: [Item.Key: Item] { feeds[.all(.pods)]?.items ?? [:] }
    var nodes: [Item.Key: Item] { feeds[.all(.nodes)]?.items ?? [:] }
    var events: [Item.Key: Item] { feeds[.all(.events)]?.items ?? [:] }
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
        let all = pods.values
        switch target.resource.plural {
        case "nodes": return all.filter { $0.pod?.node == target.key.name }
        case "pods": return pods[target.key].map { [$0] } ?? []
        case "services":
            let services = feeds.lazy.filter { $0.key.resource == .services }.compactMap {
                $0.value.items[target.key]?.service
            }
            guard let selector = services.first?.selector, !selector.isEmpty else {
                return []
            }
            return all.filter { $0.namespace == target.key.namespace && World.matches($0, selector) }
        case "deployments":
            // Through its ReplicaSets when their names tell, else by the owner's uid.
            return all.filter { pod in
                guard pod.namespace == target.key.namespace, let owner = pod.owner, owner.kind == "ReplicaSet" else {
                    return false
                }
                guard let hash = pod.labels["pod-template-hash"], !hash.isEmpty else { return false }
                return owner.name == "\(target.key.name)-\(hash)"
            }
        default:
            return all.filter { pod in
                pod.namespace == target.key.namespace && pod.owner?.name == target.key.name
                    && pod.owner?.kind == target.resource.type.kind
            }
        }
    }
    static func matches(_ item: Item, _ selector: [String: String]) -> Bool {
        selector.allSatisfy { item.labels[$0.key] == $0.value }
    }
}
