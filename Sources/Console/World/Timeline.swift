import Shared

/// One thing that happened, in words that need no manual.
struct Moment: Equatable, Sendable {
    let time: Timestamp
    let tone: Style.Tone
    let glyph: String
    /// Name of the object.
    let subject: String
    let text: String
    let namespace: String
}

/// The story of the cluster as its watches tell it: exits, restarts, lost nodes, pods that come back elsewhere,
/// endpoints that move. Pure: made of changes alone, each an object before and after.
struct Timeline: Sendable {
    /// Oldest first.
    private(set) var moments: [Moment] = []
    private(set) var version = 0
    /// Where the pods of an owner were that left in the last minutes, to say where their work went.
    private var departed: [String: [Departure]] = [:]
    private struct Departure {
        let pod: String
        let node: String
        let time: Timestamp
    }

    mutating func observe(
        _ resource: Resource, _ changes: [(old: Item?, new: Item?)], isFirstList: Bool, now: Timestamp
    ) {
        if isFirstList {
            if resource == .events { seed(changes.compactMap(\.new), now) }
            return
        }
        for change in changes {
            switch resource {
            case .pods: pod(change.old, change.new, now)
            case .nodes: node(change.old, change.new, now)
            case .endpointSlices: slice(change.old, change.new, now)
            case .events: event(change.old, change.new, now)
            default: break
            }
        }
        if moments.count > Limits.momentsMax { moments.removeFirst(moments.count - Limits.momentsMax) }
    }

    /// Before anything was watched, the cluster's own events are the only story there is.
    private mutating func seed(_ events: [Item], _ now: Timestamp) {
        // Of the many small steps of a start only the last one counts.
        let steps: Set = ["Scheduled", "Pulling", "Pulled", "Created", "SuccessfulCreate", "SuccessfulDelete"]
        let recent = events.filter { $0.event.map { $0.isWarning || !steps.contains($0.reason) } ?? false }.compactMap {
            item in item.event.flatMap { facts in facts.last.map { (item, facts, $0) } }
        }
        .filter { now - $0.2 < .seconds(3600) }.sorted { $0.2 < $1.2 }.suffix(50)
        for (_, facts, time) in recent {
            add(
                facts.name, facts.isWarning ? .warn : .faint, facts.isWarning ? "▲" : "·",
                "\(facts.reason): \(facts.message)", facts.namespace, time)
        }
        moments.sort { $0.time < $1.time }
    }

    private mutating func pod(_ old: Item?, _ new: Item?, _ now: Timestamp) {
        guard let item = new ?? old, let facts = item.pod else { return }
        let name = PodFacts.shortName(item)
        guard let new, let after = new.pod else {
            depart(item, facts, now)
            if facts.health != .finished {
                add(
                    name, .faint, "·", "is gone" + (facts.node.isEmpty ? "" : " from \(facts.node)"), item.namespace,
                    now)
            }
            return
        }
        let before = old.flatMap { $0.uid == new.uid ? $0.pod : nil }
        if before == nil, let old, let gone = old.pod { depart(old, gone, now) }
        if after.node != before?.node ?? "", !after.node.isEmpty {
            placed(new, after, name, now)
        } else if before == nil {
            add(name, .busy, "○", "is created", new.namespace, now)
        }
        guard let before else { return }
        exits(before, after, name, new.namespace, now)
        if new.deleting != nil, old?.deleting == nil {
            depart(new, after, now)
            add(name, .warn, "◌", "is being terminated on \(after.node)", new.namespace, now)
        }
        guard after.health != before.health, new.deleting == nil else { return }
        switch after.health {
        case .running:
            add(
                name, .good, "●", after.restarts > 0 ? "runs again on \(after.node)" : "runs on \(after.node)",
                new.namespace, now)
        case .finished: add(name, .done, "✓", "is done", new.namespace, now)
        case .failed: add(name, .bad, "✗", "failed" + (after.why.isEmpty ? "" : ": \(after.why)"), new.namespace, now)
        case .lost: add(name, .warn, "?", "is lost with \(after.node)", new.namespace, now)
        case .crashed where after.status != before.status:
            add(name, .bad, "✗", after.status + (after.why.isEmpty ? "" : ", \(after.why)"), new.namespace, now)
        default: break
        }
    }

    private mutating func placed(_ item: Item, _ facts: PodFacts, _ name: String, _ now: Timestamp) {
        var text = "starts on \(facts.node)"
        if let owner = item.owner?.uid, var list = departed[owner] {
            list.removeAll { now - $0.time > .seconds(300) }
            if let index = list.firstIndex(where: { $0.node != facts.node }) ?? list.indices.first {
                let from = list.remove(at: index)
                text =
                    from.node == facts.node
                    ? "replaces \(from.pod) on \(facts.node)" : "replaces \(from.pod): \(from.node) → \(facts.node)"
            }
            departed[owner] = list.isEmpty ? nil : list
        }
        add(name, .busy, "◐", text, item.namespace, now)
    }

    private mutating func depart(_ item: Item, _ facts: PodFacts, _ now: Timestamp) {
        guard let owner = item.owner?.uid, !facts.node.isEmpty else { return }
        let name = PodFacts.shortName(item)
        guard departed[owner]?.contains(where: { $0.pod == name }) != true else { return }
        if departed.count >= Limits.departedMax, departed[owner] == nil { departed.removeAll() }
        departed[owner, default: []] =
            departed[owner, default: []].suffix(31) + [Departure(pod: name, node: facts.node, time: now)]
    }

    private mutating func exits(
        _ before: PodFacts, _ after: PodFacts, _ name: String, _ namespace: String, _ now: Timestamp
    ) {
        for container in after.containers {
            let old = before.containers.first { $0.name == container.name }
            let label = after.containers.count > 1 ? "container \(container.name) " : ""
            if let exit = container.lastExit, exit != old?.lastExit, after.health != .finished {
                add(
                    name, exit.code == 0 ? .done : .bad, exit.code == 0 ? "✓" : "✗", "\(label)ended: \(exit.text)",
                    namespace, exit.at.map { min($0, now) } ?? now)
            }
            if container.restarts > old?.restarts ?? 0 {
                add(name, .busy, "◐", "\(label)is restarted (×\(container.restarts))", namespace, now)
            }
        }
    }

    private mutating func node(_ old: Item?, _ new: Item?, _ now: Timestamp) {
        guard let new, let after = new.node else {
            if let old { add(old.name, .warn, "?", "left the cluster", "", now) }
            return
        }
        guard let before = old?.node else { return add(new.name, .busy, "○", "joined the cluster", "", now) }
        if before.isReady, !after.isReady {
            add(new.name, .bad, "✗", "is lost" + (after.why.isEmpty ? "" : ": \(after.why)"), "", now)
        }
        if !before.isReady, after.isReady { add(new.name, .good, "●", "is ready", "", now) }
        if before.isCordoned != after.isCordoned {
            add(new.name, .warn, "·", after.isCordoned ? "takes no new pods (cordoned)" : "takes pods again", "", now)
        }
    }

    private mutating func slice(_ old: Item?, _ new: Item?, _ now: Timestamp) {
        guard let item = new ?? old, let facts = item.slice, !facts.service.isEmpty, let before = old?.slice,
            let after = new?.slice
        else { return }
        guard before.readyPods != after.readyPods else { return }
        let text =
            before.ready == after.ready
            ? "endpoints moved, \(TextFit.count(after.ready, "endpoint")) ready"
            : "endpoints \(before.ready) → \(after.ready)"
        let tone: Style.Tone = after.ready == 0 ? .bad : after.ready < before.ready ? .warn : .good
        add(facts.service, tone, "→", text, item.namespace, now)
    }

    /// Warnings only: what is normal, the watches of the objects tell in better words.
    private mutating func event(_ old: Item?, _ new: Item?, _ now: Timestamp) {
        guard let facts = new?.event, facts.isWarning, old?.event?.count != facts.count else { return }
        let told: Set<String> = ["BackOff", "NodeNotReady", "Unhealthy"]
        if told.contains(facts.reason), facts.count > 1 { return }
        add(
            facts.name, .warn, "▲", "\(facts.reason): \(facts.message)", facts.namespace,
            facts.last.map { min($0, now) } ?? now)
    }

    private mutating func add(
        _ subject: String, _ tone: Style.Tone, _ glyph: String, _ text: String, _ namespace: String, _ time: Timestamp
    ) {
        version += 1
        moments.append(Moment(time: time, tone: tone, glyph: glyph, subject: subject, text: text, namespace: namespace))
    }
}
