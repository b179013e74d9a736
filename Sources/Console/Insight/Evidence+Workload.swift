import Shared

extension Evidence {
    /// Pods of one target with the same trouble.
    struct Group {
        let cause: PodCause
        var pods: [Item]
    }

    /// Groups of pods with the same trouble, the largest first.
    func groups(_ pods: [Item]) -> [Group] {
        var found: [String: Group] = [:]
        for item in pods.sorted(by: { $0.key < $1.key }) {
            guard let cause = cause(of: item) else { continue }
            found[cause.key, default: Group(cause: cause, pods: [])].pods.append(item)
        }
        return found.values.sorted { ($1.pods.count, $0.cause.key) < ($0.pods.count, $1.cause.key) }
    }

    func workload(_ target: Target) -> Why {
        let feeds = world.feeds.lazy.filter { $0.key.resource == target.resource }
        guard let item = feeds.compactMap({ $0.value.items[target.key] }).first, let facts = item.workload else {
            return Why(target: target, headline: "is not there, or not read yet", tone: .faint)
        }
        let pods = world.pods(of: target)
        var why = Why(
            target: target, headline: "\(facts.ready) of \(facts.desired) ready",
            tone: facts.ready >= facts.desired ? .good : facts.ready == 0 ? .bad : .warn)
        let groups = groups(pods)
        if let refused = refused(target, facts), pods.count < facts.desired || groups.isEmpty {
            let plain = Refusal.plain(refused.message)
            why.chain.append(
                Why.Fact(tone: .bad, text: plain.text, source: refused.source, time: refused.time, target: target))
            why.chain.append(
                Why.Fact(
                    tone: .warn, text: "so the server refuses new pods: \(pods.count) of \(facts.desired) are there",
                    source: "status", target: target))
            why.advice.append(plain.advice)
        }
        add(groups, pods, to: &why)
        if !facts.why.isEmpty, why.chain.isEmpty {
            why.chain.append(
                Why.Fact(tone: .bad, text: facts.why, source: "condition", time: facts.since, target: target))
        } else if facts.why.contains("deadline") {
            why.also.append(
                Why.Fact(tone: .warn, text: facts.why, source: "condition", time: facts.since, target: target))
        }
        if facts.isPaused {
            why.also.append(
                Why.Fact(
                    tone: .warn, text: "its rollout is paused: changes wait until it goes on", source: "spec",
                    target: target))
        }
        if facts.desired == 0 {
            why.also.append(
                Why.Fact(tone: .faint, text: "it is scaled to 0, so it runs nothing", source: "spec", target: target))
        }
        if facts.ready < facts.desired, !pods.isEmpty || facts.desired > 0 { why.chain += endpoints(pods) }
        return why
    }

    /// Puts what ails pods into an explanation: the largest group leads, the others are told besides.
    private func add(_ groups: [Group], _ pods: [Item], to why: inout Why) {
        for (index, group) in groups.enumerated() {
            let count = group.pods.count
            guard index == 0, why.chain.isEmpty else {
                why.also.append(
                    Why.Fact(
                        tone: .warn, text: "\(TextFit.count(count, "pod")): \(group.cause.what), \(group.cause.brief)",
                        source: "pod", target: group.pods.first.map { target($0, .pods) }))
                continue
            }
            why.chain = group.cause.facts
            let names = group.pods.prefix(3).map(PodFacts.shortName).joined(separator: ", ")
            why.chain.append(
                Why.Fact(
                    tone: .warn,
                    text: "\(count) of \(TextFit.count(pods.count, "pod")) \(count == 1 ? "is" : "are") so: \(names)"
                        + (count > 3 ? ", …" : ""), source: "pod", target: group.pods.first.map { target($0, .pods) }))
            why.advice = group.cause.advice
            why.log = group.cause.log
        }
    }

    /// What keeps a controller from making pods: its condition, or the newest event of its own or of its ReplicaSets.
    func refused(_ target: Target, _ facts: WorkloadFacts?) -> (message: String, source: String, time: Timestamp?)? {
        if let facts, !facts.refusal.isEmpty { return (facts.refusal, "condition", facts.since) }
        let kind = target.resource.type.kind
        var found = events(kind, target.key, ["FailedCreate"])
        if kind == "Deployment" {
            found += events("ReplicaSet", in: target.key.namespace, beginning: target.key.name + "-", ["FailedCreate"])
        }
        guard let event = found.first, let time = event.last, now - time < .seconds(600) else { return nil }
        return (event.message, "event", time)
    }

    func job(_ target: Target) -> Why {
        let feeds = world.feeds.lazy.filter { $0.key.resource == target.resource }
        guard let facts = feeds.compactMap({ $0.value.items[target.key]?.job }).first else {
            return Why(target: target, headline: "is not there, or not read yet", tone: .faint)
        }
        var why = Why(
            target: target,
            headline: "\(facts.status), \(facts.succeeded) of \(facts.completions ?? facts.parallelism) done",
            tone: facts.status == "Failed" ? .bad : facts.status == "Complete" ? .done : .busy)
        let pods = world.pods(of: target)
        if let refused = refused(target, nil), pods.isEmpty {
            let plain = Refusal.plain(refused.message)
            why.chain.append(
                Why.Fact(tone: .bad, text: plain.text, source: refused.source, time: refused.time, target: target))
            why.advice.append(plain.advice)
        }
        add(groups(pods), pods, to: &why)
        if facts.status == "Failed" {
            why.chain.append(
                Why.Fact(
                    tone: .bad, text: "the job gave up: \(facts.why)", source: "condition", time: facts.end,
                    target: target))
        } else if facts.status == "Suspended" {
            why.chain.append(
                Why.Fact(
                    tone: .warn, text: "it is suspended: its pods start when it goes on", source: "spec", target: target
                ))
        }
        return why
    }

    // MARK: Services.

    func service(_ target: Target) -> Why {
        guard let item = world.services[target.key], let facts = item.service else {
            return Why(target: target, headline: "is not there any more", tone: .faint)
        }
        let slices = world.slices.values.filter {
            $0.namespace == target.key.namespace && $0.slice?.service == target.key.name
        }
        let ready = slices.reduce(0) { $0 + ($1.slice?.ready ?? 0) }
        let total = slices.reduce(0) { $0 + ($1.slice?.total ?? 0) }
        var why = Why(
            target: target, headline: "\(ready) of \(TextFit.count(total, "endpoint")) ready",
            tone: ready == 0 ? .bad : ready < total ? .warn : .good)
        if facts.type == "ExternalName" {
            return Why(target: target, headline: "leads to \(facts.external)", tone: .text)
        }
        guard !facts.selector.isEmpty else {
            if ready == 0 {
                why.chain = [
                    Why.Fact(
                        tone: .warn, text: "it has no selector, so its endpoints must be made by hand", source: "spec",
                        target: target)
                ]
            }
            return why
        }
        let pods = world.pods(of: target)
        if pods.isEmpty {
            why.chain = [noPods(item, facts, target)]
            why.advice = ["make the selector and the labels of the pods the same"]
        } else {
            let groups = groups(pods)
            add(groups, pods, to: &why)
            if let name = missingPort(facts, pods) {
                let known = Set(pods.flatMap { $0.pod?.ports.map(\.name) ?? [] }).filter { !$0.isEmpty }.sorted()
                why.chain.insert(
                    Why.Fact(
                        tone: .bad,
                        text: "its target port \"\(name)\" is no port name of the pods"
                            + (known.isEmpty ? "; they name none" : "; they have \(known.joined(separator: ", "))"),
                        source: "spec", target: target), at: 0)
                why.advice.insert("use the number of the port, or the name that the containers give it", at: 0)
            } else if groups.isEmpty, ready < pods.count,
                let starting = pods.first(where: { $0.pod?.health != .running })
            {
                why.also.append(
                    Why.Fact(
                        tone: .busy, text: "\(starting.name) is \(starting.pod?.status ?? "on its way")", source: "pod",
                        target: self.target(starting, .pods)))
            }
        }
        if ready == 0 {
            why.chain.append(
                Why.Fact(tone: .bad, text: "nothing answers at \(facts.address)", source: "endpoints", target: target))
        }
        return why
    }

    /// The named target port that no container has; nil when all are there.
    private func missingPort(_ facts: ServiceFacts, _ pods: [Item]) -> String? {
        facts.targets.first { name in
            Int(name) == nil && !pods.contains { $0.pod?.ports.contains { $0.name == name } ?? false }
        }
    }

    /// No pod has the labels: which ones come near?
    private func noPods(_ item: Item, _ facts: ServiceFacts, _ target: Target) -> Why.Fact {
        let wanted = Columns.pairs(facts.selector)
        var best: (score: Int, text: String)?
        for pod in world.pods.values where pod.namespace == item.namespace {
            for (key, value) in facts.selector {
                let same = facts.selector.count { pod.labels[$0.key] == $0.value }
                guard let other = pod.labels[key], other != value else { continue }
                let score = 10 * same - Catalog.distance(value, other)
                let text = "\(key)=\(other)"
                if best.map({ score > $0.score || (score == $0.score && text < $0.text) }) ?? true {
                    best = (score, text)
                }
            }
        }
        if let best, best.score > -6 {
            return Why.Fact(
                tone: .bad, text: "no pod has the labels \(wanted) that it selects; there are pods with \(best.text)",
                source: "selector", target: target)
        }
        let owners = [Resource.deployments, .statefulSets].flatMap { world.feed(.all($0)).items.values }
            .filter {
                $0.namespace == item.namespace && $0.workload.map { World.has($0.selector, facts.selector) } ?? false
            }
        if let owner = owners.first, owner.workload?.desired == 0 {
            return Why.Fact(
                tone: .bad, text: "\(owner.name), whose pods it selects, is scaled to 0", source: "selector",
                target: self.target(owner, .deployments))
        }
        return Why.Fact(
            tone: .bad, text: "no pod has the labels \(wanted) that it selects", source: "selector", target: target)
    }
}

extension World {
    /// Whether labels hold all pairs of a selector.
    static func has(_ labels: [String: String], _ selector: [String: String]) -> Bool {
        !selector.isEmpty && selector.allSatisfy { labels[$0.key] == $0.value }
    }
}
