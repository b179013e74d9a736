import Shared

/// Why an object is not well: facts in the order of cause and effect, the root first. Made by fixed rules out of what the
/// cluster shows; nothing is guessed without saying so.
struct Why: Equatable, Sendable {
    struct Fact: Equatable, Sendable {
        let tone: Style.Tone
        let text: String
        /// Where it was read: `container status`, `event`, `condition`.
        var source = ""
        var time: Timestamp?
        /// The object that the fact is about; it can be opened.
        var target: Target?
        /// False: it fits, but something else could be behind it.
        var isCertain = true
    }

    let target: Target
    /// How it is doing, in a few words.
    let headline: String
    let tone: Style.Tone
    /// Root first; empty when nothing is wrong.
    var chain: [Fact] = []
    /// True as well, but not what caused it.
    var also: [Fact] = []
    /// What the server refuses to show, so that a cause there would stay hidden.
    var unseen: [String] = []
    /// What to do next.
    var advice: [String] = []
    /// The log that may tell more.
    var log: LogKey?

    /// - Parameter whole: the object itself, where it was read; it tells what the projections leave out.
    static func explain(_ target: Target, _ evidence: Evidence, whole: JSON? = nil) -> Why {
        var why: Why
        switch (target.resource.type.group, target.resource.plural) {
        case ("", "pods"): why = evidence.pod(target)
        case ("", "nodes"): why = evidence.node(target)
        case ("", "services"): why = evidence.service(target)
        case ("", "persistentvolumeclaims"): why = evidence.claim(target)
        case ("apps", _): why = evidence.workload(target)
        case ("batch", "jobs"): why = evidence.job(target)
        default: why = evidence.other(target, whole)
        }
        why.unseen = evidence.unseen
        if !why.chain.contains(where: { $0.target?.key != target.key }),
            let finalizers = whole.map({ Object($0).metadata }),
            finalizers.isDeleting, !finalizers.finalizers.isEmpty, target.resource != .pods
        {
            why.chain.insert(evidence.held(target, finalizers), at: 0)
            why.advice.append("the program behind the finalizer has to remove it; see whether that program runs")
        }
        return why
    }
}

/// What the rules look at: the world, with its events sorted by the object that they are about.
struct Evidence: Sendable {
    let world: World
    private let events: [EventSubject: [EventFacts]]

    private struct EventSubject: Hashable {
        let kind: String
        let namespace: String
        let name: String
    }

    init(_ world: World) {
        self.world = world
        var found: [EventSubject: [EventFacts]] = [:]
        for item in world.events.values {
            guard let event = item.event else { continue }
            let namespace = event.kind == "Node" ? "" : event.namespace
            found[EventSubject(kind: event.kind, namespace: namespace, name: event.name), default: []].append(event)
        }
        events = found.mapValues { $0.sorted { ($0.last?.nanoseconds ?? 0) > ($1.last?.nanoseconds ?? 0) } }
    }

    var now: Timestamp { world.now }

    /// Events about an object, the newest first, of these reasons (none: all).
    func events(_ kind: String, _ key: Item.Key, _ reasons: Set<String> = []) -> [EventFacts] {
        let own = events[EventSubject(kind: kind, namespace: kind == "Node" ? "" : key.namespace, name: key.name)] ?? []
        return reasons.isEmpty ? own : own.filter { reasons.contains($0.reason) }
    }

    /// Events about objects of a kind whose names begin so, the newest first.
    func events(_ kind: String, in namespace: String, beginning prefix: String, _ reasons: Set<String>) -> [EventFacts]
    {
        events.filter { $0.key.kind == kind && $0.key.namespace == namespace && $0.key.name.hasPrefix(prefix) }
            .flatMap(\.value).filter { reasons.contains($0.reason) }
            .sorted { ($0.last?.nanoseconds ?? 0) > ($1.last?.nanoseconds ?? 0) }
    }

    /// Feeds that the server refuses.
    var unseen: [String] {
        world.feeds.compactMap { key, feed in
            if case .refused(let status) = feed.state, [401, 403].contains(status.code) {
                return "\(key.resource.plural) (\(status.message))"
            }
            return nil
        }.sorted()
    }

    func target(_ item: Item, _ resource: Resource) -> Target {
        Target(resource: resource, key: item.key, uid: item.uid)
    }

    func held(_ target: Target, _ metadata: ObjectMeta) -> Why.Fact {
        Why.Fact(
            tone: .bad, text: "its deletion is held by \(Words.list(metadata.finalizers, "finalizer"))",
            source: "metadata",
            time: metadata.deletionTimestamp, target: target)
    }

    /// What a lack of these pods means for services.
    func endpoints(_ pods: [Item]) -> [Why.Fact] {
        let namespaces = Set(pods.map(\.namespace))
        let touched = world.services.values.filter { service in
            guard let selector = service.service?.selector, !selector.isEmpty, namespaces.contains(service.namespace)
            else {
                return false
            }
            return pods.contains { $0.namespace == service.namespace && World.matches($0, selector) }
        }
        return touched.sorted { $0.key < $1.key }.map { service in
            let slices = world.slices.values.filter {
                $0.namespace == service.namespace && $0.slice?.service == service.name
            }
            let ready = slices.reduce(0) { $0 + ($1.slice?.ready ?? 0) }
            let total = slices.reduce(0) { $0 + ($1.slice?.total ?? 0) }
            let text =
                ready == 0
                ? "service \(service.name) has no ready endpoint: nothing answers"
                : "service \(service.name) serves from \(ready) of \(total) endpoints"
            return Why.Fact(
                tone: ready == 0 ? .bad : .warn, text: text, source: "endpoints", target: target(service, .services))
        }
    }
}

/// Small things about words.
enum Words {
    /// `finalizer a`, `finalizers a and b`.
    static func list(_ names: [String], _ noun: String) -> String {
        names.count == 1 ? "\(noun) \(names[0])" : "\(noun)s \(names.joined(separator: " and "))"
    }
    /// The first sentence or line of a long message.
    static func brief(_ text: String, _ most: Int = 200) -> String {
        let line = text.split(separator: "\n").first.map(String.init) ?? ""
        return TextFit.cut(line, to: most)
    }
}
