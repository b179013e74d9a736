import Shared

/// Sums over all pods: how many are how well, and what they ask of each node. Kept up by changes, so that a picture of
/// fifty thousand pods costs no walk over them.
struct Tally: Equatable, Sendable {
    struct Load: Equatable, Sendable {
        var pods = 0
        var cpuMillis = 0
        var memoryBytes = 0
    }
    private(set) var healths: [Health: Int] = [:]
    private(set) var loads: [String: Load] = [:]
    /// Pods that neither run well nor are done.
    private(set) var unwell: Set<Item.Key> = []

    func count(_ health: Health) -> Int { healths[health] ?? 0 }
    /// What the pods of a node that still run, or will, ask for.
    func load(_ node: String) -> Load { loads[node] ?? Load() }

    mutating func observe(_ changes: [(old: Item?, new: Item?)]) {
        for change in changes {
            if let old = change.old, let pod = old.pod {
                add(pod, -1)
                if !Tally.isWell(old, pod) { unwell.remove(old.key) }
            }
            if let new = change.new, let pod = new.pod {
                add(pod, 1)
                if !Tally.isWell(new, pod) { unwell.insert(new.key) }
            }
        }
    }
    private static func isWell(_ item: Item, _ pod: PodFacts) -> Bool {
        item.deleting == nil && (pod.health == .running || pod.health == .finished)
    }
    private mutating func add(_ pod: PodFacts, _ sign: Int) {
        healths[pod.health, default: 0] += sign
        guard pod.health != .finished, pod.health != .failed else { return }
        loads[pod.node, default: Load()].pods += sign
        loads[pod.node, default: Load()].cpuMillis &+= sign * pod.cpuMillis
        loads[pod.node, default: Load()].memoryBytes &+= sign * pod.memoryBytes
        if loads[pod.node]?.pods == 0 { loads[pod.node] = nil }
    }
}
