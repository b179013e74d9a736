import Shared

/// Something that is not well, with its reason in one line.
struct Problem: Equatable, Sendable {
    enum Severity: Int, Comparable, Sendable {
        case notice, warning, broken
        static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
        var tone: Style.Tone { self == .broken ? .bad : self == .warning ? .warn : .busy }
        var word: String { self == .broken ? "BROKEN" : self == .warning ? "WARN" : "NOTE" }
    }
    let severity: Severity
    let target: Target
    /// In two or three words: `CrashLoopBackOff`, `node lost`.
    let what: String
    let why: String
    let since: Timestamp?
    /// Siblings with the same trouble, this one included.
    var count = 1
}

/// Finds what is not well. Pure: objects in, list out, the worst first.
enum Problems {
    static func find(
        pods: some Collection<Item>, nodes: some Collection<Item>, deployments: some Collection<Item>, now: Timestamp
    ) -> [Problem] {
        var found = nodes.compactMap { node($0) } + deployments.compactMap { deployment($0, now) }
        var groups: [String: Int] = [:]
        for item in pods.sorted(by: { $0.key < $1.key }) {
            guard let problem = pod(item, now) else { continue }
            let group = "\(item.owner?.uid ?? item.uid)/\(problem.what)"
            if let index = groups[group] {
                found[index].count += 1
            } else {
                groups[group] = found.count
                found.append(problem)
            }
        }
        let order = found.sorted { left, right in
            if left.severity != right.severity { return left.severity > right.severity }
            let times = (left.since?.nanoseconds ?? 0, right.since?.nanoseconds ?? 0)
            return times.0 != times.1 ? times.0 > times.1 : left.target.key < right.target.key
        }
        return Array(order.prefix(Limits.problemsMax))
    }

    private static func node(_ item: Item) -> Problem? {
        guard let facts = item.node else { return nil }
        let target = Target(resource: .nodes, key: item.key, uid: item.uid)
        if !facts.isReady {
            return Problem(
                severity: .broken, target: target, what: "node not ready", why: facts.why, since: facts.since)
        }
        if !facts.why.isEmpty {
            return Problem(
                severity: .warning, target: target, what: facts.why, why: "the node is short of a resource",
                since: facts.since)
        }
        return facts.isCordoned
            ? Problem(severity: .notice, target: target, what: "cordoned", why: "takes no new pods", since: nil) : nil
    }

    private static func deployment(_ item: Item, _ now: Timestamp) -> Problem? {
        guard let facts = item.workload else { return nil }
        let target = Target(resource: .deployments, key: item.key, uid: item.uid)
        if !facts.why.isEmpty {
            return Problem(
                severity: .broken, target: target, what: "not progressing", why: facts.why, since: facts.since)
        }
        guard facts.available < facts.desired else { return nil }
        return Problem(
            severity: facts.available == 0 ? .broken : .warning, target: target,
            what: "\(facts.available) of \(facts.desired) available",
            why: facts.available == 0 ? "nothing serves at the moment" : "fewer replicas than wanted",
            since: facts.since)
    }

    /// A pod that only just starts or leaves is no problem yet.
    private static func pod(_ item: Item, _ now: Timestamp) -> Problem? {
        guard let facts = item.pod else { return nil }
        let target = Target(resource: .pods, key: item.key, uid: item.uid)
        func problem(_ severity: Problem.Severity, _ what: String, _ why: String) -> Problem {
            Problem(severity: severity, target: target, what: what, why: why, since: facts.since ?? item.created)
        }
        switch facts.health {
        case .running, .finished: return nil
        case .crashed, .failed: return problem(.broken, facts.status, facts.why)
        case .lost: return problem(.broken, "lost", facts.node.isEmpty ? facts.why : "\(facts.node) does not answer")
        case .terminating:
            guard let since = item.deleting, now - since > .seconds(60) else { return nil }
            return problem(.warning, "still terminating", "its deletion was due \((now - since).human) ago")
        case .pending:
            if !facts.why.isEmpty { return problem(.warning, "unschedulable", facts.why) }
            guard let created = item.created, now - created > .seconds(30) else { return nil }
            return problem(.warning, "waiting", "no scheduler has placed it")
        case .starting:
            guard let since = facts.since ?? item.created, now - since > .seconds(30) else { return nil }
            return problem(
                .warning, "not ready",
                facts.why.isEmpty ? "\(facts.ready) of \(facts.total) containers are ready" : facts.why)
        }
    }
}
