import Shared

/// How many pods of an application may be disturbed yet, as preemption needs to know.
struct Budget: Sendable {
    let namespace: String
    let selector: LabelSelector?
    let allowed: Int
    let disrupted: Set<String>

    init(_ budget: PodDisruptionBudget) {
        namespace = budget.namespace
        selector = budget.selector
        allowed = budget.json.at("status", "disruptionsAllowed").int ?? 0
        disrupted = Set(budget.disruptedPods.keys)
    }

    func covers(_ pod: PodDemand) -> Bool {
        guard namespace == pod.namespace, let selector, !selector.isEmpty, !pod.labels.isEmpty else { return false }
        return selector.matches(pod.labels) && !disrupted.contains(pod.key.name)
    }
}

/// Finds pods of lower priority that have to leave so that a pod can come. Pure: others do the asking.
/// Source: plugin `DefaultPreemption`, `preemption.Evaluator`.
enum Preemption: Sendable {
    /// The pods of one node that have to go.
    struct Candidate: Sendable {
        let node: String
        /// The most important first.
        let victims: [PodDemand]
        /// Victims that a budget would rather keep.
        let violations: Int
    }
    case node(Candidate)
    /// Why nobody is asked to leave.
    case nobody(String)

    /// - Parameters:
    ///   - refusal: what placing the pod came to.
    ///   - offset: where in the list of nodes the search begins.
    static func find(
        for pod: PodDemand, _ refusal: Placement.Refusal, in snapshot: inout Snapshot, _ profile: Profile,
        budgets: [Budget], offset: Int = 0
    ) -> Preemption {
        if pod.neverPreempts { return .nobody("not eligible due to preemptionPolicy=Never.") }
        // Where the node is refused for good meanwhile, another may be chosen.
        if let name = snapshot.nomination(of: pod.uid), let position = snapshot.position(of: name),
            refusal.helpable.contains(position), let node = snapshot.node(name),
            node.pods.values.contains(where: { $0.priority < pod.priority && $0.isPreempted })
        {
            return .nobody("not eligible due to a terminating pod on the nominated node.")
        }
        var outcome = Placement.Refusal(nodes: refusal.nodes)
        let helpless = refusal.nodes - refusal.helpable.count
        if helpless > 0 { outcome.reasons["Preemption is not helpful for scheduling"] = helpless }
        let enough = max(profile.preemptionNodesMin, refusal.helpable.count * profile.preemptionNodesPercent / 100)
        var candidates: [Candidate] = []
        var sparesBudgets = false
        for index in refusal.helpable.indices where candidates.count < enough || !sparesBudgets {
            let position = refusal.helpable[(index + offset) % refusal.helpable.count]
            switch victims(for: pod, at: position, in: &snapshot, profile, budgets) {
            case .success(let candidate):
                candidates.append(candidate)
                if candidate.violations == 0 { sparesBudgets = true }
            case .failure(let why): for reason in why.reasons { outcome.reasons[reason, default: 0] += 1 }
            }
        }
        guard let best = best(of: candidates) else { return .nobody(outcome.message) }
        return .node(best)
    }

    private struct Helpless: Error { let reasons: [String] }

    /// The least that has to leave the node at `position`. The snapshot is changed on the way and is the same after.
    private static func victims(
        for pod: PodDemand, at position: Int, in snapshot: inout Snapshot, _ profile: Profile, _ budgets: [Budget]
    ) -> Result<Candidate, Helpless> {
        let name = snapshot.nodes[position].name
        let lower = snapshot.nodes[position].pods.values.filter { $0.priority < pod.priority }
        guard !lower.isEmpty else {
            return .failure(Helpless(reasons: ["No preemption victims found for incoming pod"]))
        }
        for victim in lower { snapshot.remove(pod: victim.uid) }
        var gone = Dictionary(uniqueKeysWithValues: lower.map { ($0.uid, $0) })
        defer { for victim in gone.values { snapshot.place(victim, on: name) } }
        func refusal() -> Filter.Refusal? {
            let cycle = Cycle(pod, &snapshot, profile)
            return profile.refusal(of: pod, on: snapshot.nodes[position], cycle, snapshot.nominated[name])?.1
        }
        if let refusal = refusal() { return .failure(Helpless(reasons: refusal.reasons)) }
        // The most important pods are the first that may stay after all; those that a budget protects before others.
        let sorted = lower.sorted(by: isMoreImportant)
        let (protected, others) = split(sorted, budgets)
        var victims: [PodDemand] = []
        var violations = 0
        for (isProtected, group) in [(true, protected), (false, others)] {
            for victim in group {
                snapshot.place(victim, on: name)
                if refusal() == nil {
                    gone[victim.uid] = nil
                } else {
                    snapshot.remove(pod: victim.uid)
                    victims.append(victim)
                    if isProtected { violations += 1 }
                }
            }
        }
        return .success(
            Candidate(node: name, victims: victims.sorted(by: isMoreImportant), violations: violations))
    }

    /// Higher priority first, then who started earlier. Among those that have not started the one that came last is
    /// the first, as in Kubernetes, where each of them starts "now". Source: `util.MoreImportantPod`.
    static func isMoreImportant(_ left: PodDemand, _ right: PodDemand) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        switch (left.startTime, right.startTime) {
        case (let earlier?, let later?) where earlier != later: return earlier < later
        case (_?, nil): return true
        case (nil, _?): return false
        default: return (left.created ?? .distant, left.key) > (right.created ?? .distant, right.key)
        }
    }

    /// Those whose leaving would break a budget, and the others. Source: `filterPodsWithPDBViolation`.
    private static func split(
        _ pods: [PodDemand], _ budgets: [Budget]
    ) -> (protected: [PodDemand], others: [PodDemand]) {
        var allowed = budgets.map(\.allowed)
        var protected: [PodDemand] = []
        var others: [PodDemand] = []
        for pod in pods {
            var breaks = false
            for index in budgets.indices where budgets[index].covers(pod) {
                allowed[index] -= 1
                if allowed[index] < 0 { breaks = true }
            }
            if breaks { protected.append(pod) } else { others.append(pod) }
        }
        return (protected, others)
    }

    /// Fewest broken budgets, then the lowest priority of the most important victim, the smallest sum of priorities,
    /// the fewest victims, the victims that started last. Source: `pickOneNodeForPreemption`.
    private static func best(of candidates: [Candidate]) -> Candidate? {
        func rank(_ candidate: Candidate) -> [Int] {
            let first = candidate.victims.first?.priority ?? Int.min
            // Each priority is raised above zero, so that fewer victims count even below zero.
            let sum = candidate.victims.reduce(0) { Amounts.sum($0, Amounts.sum($1.priority, Int(Int32.max) + 1)) }
            let starts = candidate.victims.filter { $0.priority == first }.compactMap { $0.startTime?.seconds }
            return [candidate.violations, first, sum, candidate.victims.count, -Int(starts.min() ?? .max)]
        }
        return candidates.min { rank($0).lexicographicallyPrecedes(rank($1)) }
    }
}

extension Timestamp {
    /// Of a pod that has not started.
    fileprivate static let distant = Timestamp(seconds: 4_102_444_800)
}
