import Shared

/// Finds what is not well. Pure: the world in, a list out, the worst first. What follows from another problem is not
/// listed by itself but stands with it: pods of a lost node, a Deployment whose pods crash, a Service that they leave empty.
enum Problems {
    static func find(_ world: World) -> [Problem] {
        let evidence = Evidence(world)
        var found = Finding(evidence: evidence)
        for item in world.nodes.values { found.node(item) }
        // Most pods are well: only the others are put in order and looked at.
        let pods = world.pods
        for item in world.tally.unwell.sorted().compactMap({ pods[$0] }) { found.pod(item) }
        for resource in [Resource.deployments, .statefulSets, .daemonSets] {
            for item in world.feed(.all(resource)).items.values.sorted(by: { $0.key < $1.key }) {
                found.workload(item, resource)
            }
        }
        for item in world.feed(.all(.jobs)).items.values { found.job(item) }
        for item in world.services.values.sorted(by: { $0.key < $1.key }) { found.service(item) }
        for item in world.feed(.all(.claims)).items.values { found.claim(item) }
        let order = found.problems.sorted { left, right in
            if left.severity != right.severity { return left.severity > right.severity }
            let times = (left.since?.nanoseconds ?? 0, right.since?.nanoseconds ?? 0)
            return times.0 != times.1 ? times.0 > times.1 : left.target.key < right.target.key
        }
        return Array(order.prefix(Limits.problemsMax))
    }
}

/// The list as it grows.
private struct Finding {
    let evidence: Evidence
    private(set) var problems: [Problem] = []
    /// Places in the list: of lost nodes and of pods' troubles by owner.
    private var byNode: [String: Int] = [:]
    private var byGroup: [String: Int] = [:]
    /// Pods that are told of, with the place of their problem; and their workloads.
    private var told: [Item.Key: Int] = [:]
    private var toldOwners: [String: Int] = [:]
    /// Ready endpoints by service.
    private var ready: [Item.Key: Int] = [:]
    /// Services whose pods were looked for among all: each costs a walk.
    private var walks = 0

    init(evidence: Evidence) {
        self.evidence = evidence
        for slice in evidence.world.slices.values {
            guard let facts = slice.slice else { continue }
            ready[Item.Key(namespace: slice.namespace, name: facts.service), default: 0] += facts.ready
        }
    }
    private var world: World { evidence.world }
    private var now: Timestamp { evidence.world.now }

    mutating func node(_ item: Item) {
        guard let facts = item.node else { return }
        let target = evidence.target(item, .nodes)
        if !facts.isReady {
            byNode[item.name] = problems.count
            problems.append(
                Problem(severity: .broken, target: target, what: "node not ready", why: facts.why, since: facts.since))
        } else if !facts.why.isEmpty {
            problems.append(
                Problem(
                    severity: .warning, target: target, what: facts.why, why: "the node is short of a resource",
                    since: facts.since))
        } else if facts.isCordoned {
            problems.append(
                Problem(severity: .notice, target: target, what: "cordoned", why: "takes no new pods", since: nil))
        }
    }

    mutating func pod(_ item: Item) {
        guard let cause = evidence.cause(of: item) else { return }
        if let root = cause.root, root.resource == .nodes, let index = byNode[root.key.name] {
            problems[index].count += 1
            tell(item, index)
            return
        }
        let group = "\(item.owner?.uid ?? item.uid)/\(cause.what)"
        if let index = byGroup[group] {
            problems[index].count += 1
            tell(item, index)
            return
        }
        byGroup[group] = problems.count
        tell(item, problems.count)
        problems.append(
            Problem(
                severity: cause.severity, target: evidence.target(item, .pods), what: cause.what, why: cause.brief,
                since: item.pod?.since ?? item.created))
    }

    private mutating func tell(_ item: Item, _ index: Int) {
        told[item.key] = index
        guard let owner = item.owner else { return }
        toldOwners["\(owner.kind)/\(item.namespace)/\(owner.name)"] = index
        if owner.kind == "ReplicaSet", let hash = item.labels["pod-template-hash"], owner.name.hasSuffix("-\(hash)") {
            toldOwners["Deployment/\(item.namespace)/\(owner.name.dropLast(hash.count + 1))"] = index
        }
    }
    /// The problem that a workload's pods have already.
    private func known(_ target: Target) -> Int? {
        toldOwners["\(target.resource.type.kind)/\(target.key.namespace)/\(target.key.name)"]
    }

    mutating func workload(_ item: Item, _ resource: Resource) {
        guard let facts = item.workload else { return }
        let target = evidence.target(item, resource)
        // Only Deployments wait before they call a ready pod available.
        let up = resource == .deployments ? facts.available : max(facts.available, facts.ready)
        guard up < facts.desired || !facts.why.isEmpty else { return }
        if facts.refusal.isEmpty, let index = known(target) {
            problems[index].effects.append("\(target.text) has \(up) of \(facts.desired) available")
            if up == 0, facts.desired > 0 { problems[index].severity = .broken }
            return
        }
        if let refused = evidence.refused(target, facts), facts.current < facts.desired {
            problems.append(
                Problem(
                    severity: .broken, target: target, what: "pods refused", why: Refusal.plain(refused.message).text,
                    since: refused.time))
        } else if !facts.why.isEmpty {
            problems.append(
                Problem(severity: .broken, target: target, what: "not progressing", why: facts.why, since: facts.since))
        } else {
            // A rollout, or a pod that was replaced, is short for a moment.
            if let since = facts.since, now - since < .seconds(15) { return }
            problems.append(
                Problem(
                    severity: up == 0 ? .broken : .warning, target: target, what: "\(up) of \(facts.desired) available",
                    why: up == 0 ? "nothing serves at the moment" : "fewer replicas than wanted",
                    since: facts.since))
        }
    }

    mutating func job(_ item: Item) {
        guard let facts = item.job, facts.status == "Failed" else { return }
        let target = evidence.target(item, .jobs)
        if let index = known(target) {
            problems[index].effects.append("job \(item.name) gave up")
            return
        }
        problems.append(Problem(severity: .broken, target: target, what: "failed", why: facts.why, since: facts.end))
    }

    mutating func service(_ item: Item) {
        guard let facts = item.service, !facts.selector.isEmpty, facts.type != "ExternalName" else { return }
        guard world.feed(.all(.endpointSlices)).isComplete, (ready[item.key] ?? 0) == 0 else { return }
        let target = evidence.target(item, .services)
        let pod = told.first { key, _ in
            key.namespace == item.namespace && world.pods[key].map { World.matches($0, facts.selector) } ?? false
        }
        if let index = pod?.value {
            problems[index].effects.append("service \(item.name) answers nothing")
            problems[index].severity = .broken
            return
        }
        // Endpoints follow their pods after a moment.
        if let created = item.created, now - created < .seconds(20) { return }
        guard walks < 50 else { return }
        walks += 1
        let pods = world.pods(of: target)
        if !pods.isEmpty, pods.contains(where: { ($0.pod?.since).map { now - $0 < .seconds(20) } ?? true }) { return }
        guard let root = evidence.service(target).chain.first else { return }
        problems.append(
            Problem(severity: .warning, target: target, what: "no endpoints", why: root.text, since: nil))
    }

    mutating func claim(_ item: Item) {
        guard let facts = item.claim, facts.phase == "Pending" || facts.phase == "Lost" else { return }
        if let created = item.created, now - created < .seconds(20) { return }
        let target = evidence.target(item, .claims)
        guard let root = evidence.claim(target).chain.first, root.tone == .bad else { return }
        problems.append(
            Problem(
                severity: facts.phase == "Lost" ? .broken : .warning, target: target, what: facts.phase.lowercased(),
                why: root.text, since: item.created))
    }
}
