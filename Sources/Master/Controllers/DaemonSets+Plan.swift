import Shared

/// What one reconciliation of a DaemonSet does. Pure. Source: `daemon_controller.go`, `update.go`; KEP-1591 (surge).
struct DaemonPlan: Equatable {
    struct Note: Equatable {
        let isWarning: Bool
        let reason: String
        let message: String
    }
    /// Nodes that get a new pod.
    var create: [String] = []
    var delete: [Pod] = []
    var events: [Note] = []
    var status: DaemonSetStatus
    /// When to look again: a pod turns available, or a failed one may be replaced.
    var again: Duration?

    /// What is known of one node.
    private struct Place {
        let name: String
        let fit: DaemonFit
        /// Oldest first, those that are on their way out among them.
        let pods: [Pod]
        var live: [Pod] { pods.filter { !$0.metadata.isDeleting } }
    }
    private let set: DaemonSet
    private let hash: String
    private let now: Timestamp

    static func == (left: DaemonPlan, right: DaemonPlan) -> Bool {
        left.create == right.create && left.delete == right.delete && left.events == right.events
            && left.status == right.status && left.again == right.again
    }

    /// - Parameters:
    ///   - pods: all pods that belong to the set.
    ///   - hash: of the revision that has the set's template.
    ///   - delay: how long a failed pod of a node has to stay before it is replaced; zero or less: no longer.
    init(
        _ set: DaemonSet, nodes: [Node], pods: [Pod], hash: String, collisions: Int, now: Timestamp,
        delay: (_ node: String) -> Duration = { _ in .zero }
    ) {
        self.set = set
        self.hash = hash
        self.now = now
        let demand = DaemonDemand(set.template)
        var byNode: [String: [Pod]] = [:]
        // What has ended and is on its way out no longer counts: it may hang on somebody's finalizer.
        for pod in pods where !(pod.isFinished && pod.metadata.isDeleting) {
            if let node = pod.daemonNode { byNode[node, default: []].append(pod) }
        }
        let places = nodes.sorted { $0.name < $1.name }.map { node in
            Place(name: node.name, fit: demand.fit(node), pods: DaemonPlan.byAge(byNode[node.name] ?? []))
        }
        status = DaemonSetStatus(set.status.json.object == nil ? [:] : set.status.json)
        count(places, collisions)
        for place in places { keep(place, delay) }
        removeStranded(byNode, nodes)
        if !set.updatesOnDelete, create.isEmpty, delete.isEmpty { rollOut(places) }
        create = Array(create.prefix(Limits.burstPodsMax))
        delete = Array(delete.prefix(Limits.burstPodsMax))
    }

    /// Bound pods first, then by creation.
    private static func byAge(_ pods: [Pod]) -> [Pod] {
        pods.sorted { left, right in
            if left.spec.nodeName.isEmpty != right.spec.nodeName.isEmpty { return !left.spec.nodeName.isEmpty }
            let (mine, other) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            if let mine, let other, mine != other { return mine < other }
            return left.name < right.name
        }
    }

    private func isAvailable(_ pod: Pod) -> Bool { pod.isAvailable(after: set.minReadySeconds, now: now) }

    private mutating func lookAgain(after delay: Duration) { again = again.map { min($0, delay) } ?? delay }

    // MARK: Nodes

    private mutating func keep(_ place: Place, _ delay: (String) -> Duration) {
        guard place.fit.mayStay else {
            delete += place.live
            return
        }
        if place.pods.isEmpty {
            if place.fit.shouldRun { create.append(place.name) }
            return
        }
        var running: [Pod] = []
        for pod in place.live {
            guard pod.isFinished else {
                running.append(pod)
                continue
            }
            let subject = "daemon pod \(pod.namespace)/\(pod.name) on node \(place.name)"
            if pod.status.phase == .succeeded {
                note(false, "SucceededDaemonPod", "Found succeeded \(subject), will try to delete it")
            } else {
                let wait = delay(place.name)
                if wait > .zero {
                    lookAgain(after: wait)
                    continue
                }
                note(true, "FailedDaemonPod", "Found failed \(subject), will try to kill it")
            }
            delete.append(pod)
        }
        prune(running)
    }

    private mutating func note(_ isWarning: Bool, _ reason: String, _ message: String) {
        events.append(Note(isWarning: isWarning, reason: reason, message: message))
    }

    /// Leaves one pod on a node; while an update surges, an old one that works beside a new one that does not yet.
    private mutating func prune(_ running: [Pod]) {
        guard running.count > 1 else { return }
        guard set.allowsSurge else {
            delete += running.dropFirst()
            return
        }
        let (updated, outdated) = (
            running.filter { $0.metadata.labels[Revisions.podLabel] == hash },
            running.filter { $0.metadata.labels[Revisions.podLabel] != hash }
        )
        // Of several, one that works is kept.
        let new = updated.first { isAvailable($0) } ?? updated.first
        let old = outdated.first { isAvailable($0) } ?? outdated.first
        delete += running.filter { $0.metadata.uid != new?.metadata.uid && $0.metadata.uid != old?.metadata.uid }
        if let new, let old, !old.isReady || isAvailable(new) { delete.append(old) }
    }

    /// Pods that wait for a node that is gone would wait for ever.
    private mutating func removeStranded(_ byNode: [String: [Pod]], _ nodes: [Node]) {
        let known = Set(nodes.map(\.name))
        for (node, pods) in byNode.sorted(by: { $0.key < $1.key }) where !known.contains(node) {
            delete += pods.filter { $0.spec.nodeName.isEmpty && !$0.metadata.isDeleting }
        }
    }

    // MARK: Updates

    /// The pod of the present template and the one of an earlier; nil when there are several of a sort.
    private func versions(_ place: Place) -> (new: Pod?, old: Pod?)? {
        let live = place.live
        let new = live.filter { set.isUpdated($0, hash: hash) }
        let old = live.filter { !set.isUpdated($0, hash: hash) }
        return new.count > 1 || old.count > 1 ? nil : (new.first, old.first)
    }

    private mutating func rollOut(_ places: [Place]) {
        let desired = places.count { $0.fit.shouldRun }
        let concerned = places.filter { $0.fit.shouldRun || !$0.pods.isEmpty }
        let surge = set.maxSurge(of: desired)
        if surge > 0 {
            surgeOut(concerned, surge, desired)
        } else {
            replace(concerned, set.maxUnavailable(of: desired))
        }
    }

    private mutating func replace(_ places: [Place], _ maxUnavailable: Int) {
        var unavailable = 0
        var broken: [Pod] = []
        var candidates: [Pod] = []
        for place in places {
            switch versions(place) {
            case (let new?, nil)?: if !isAvailable(new) { unavailable += 1 }
            case (nil, let old?)?: if isAvailable(old) { candidates.append(old) } else { broken.append(old) }
            default: unavailable += 1
            }
        }
        // What does not work is replaced at any time, but others wait until it does.
        delete = broken + candidates.prefix(max(0, maxUnavailable - unavailable - broken.count))
    }

    private mutating func surgeOut(_ places: [Place], _ maxSurge: Int, _ desired: Int) {
        var surging = 0
        var available = 0
        var broken: [String] = []
        var candidates: [String] = []
        // On nodes that are to have none: they go when as many work elsewhere as are wanted.
        var retired: [Pod] = []
        for place in places {
            guard let (new, old) = versions(place) else {
                surging += 1
                continue
            }
            if let pod = old ?? new, isAvailable(pod) { available += 1 }
            guard let old else { continue }
            if let new {
                if isAvailable(new) { delete.append(old) } else { surging += 1 }
            } else if place.fit.shouldRun {
                if isAvailable(old) { candidates.append(place.name) } else { broken.append(place.name) }
            } else if isAvailable(old) {
                retired.append(old)
            } else {
                delete.append(old)
            }
        }
        delete += retired.prefix(max(0, available - desired))
        create = broken + candidates.prefix(max(0, maxSurge - surging))
    }

    // MARK: Status

    private mutating func count(_ places: [Place], _ collisions: Int) {
        status.currentNumberScheduled = 0
        status.numberMisscheduled = 0
        status.desiredNumberScheduled = 0
        status.numberReady = 0
        status.updatedNumberScheduled = 0
        status.numberAvailable = 0
        for place in places {
            guard place.fit.shouldRun else {
                if !place.pods.isEmpty { status.numberMisscheduled += 1 }
                continue
            }
            status.desiredNumberScheduled += 1
            guard let pod = place.pods.first else { continue }
            status.currentNumberScheduled += 1
            if set.isUpdated(pod, hash: hash) { status.updatedNumberScheduled += 1 }
            guard let since = pod.readySince else { continue }
            status.numberReady += 1
            if isAvailable(pod) {
                status.numberAvailable += 1
            } else {
                lookAgain(after: max(.milliseconds(1), since + .seconds(set.minReadySeconds) - now))
            }
        }
        status.numberUnavailable = max(0, status.desiredNumberScheduled - status.numberAvailable)
        status.observedGeneration = set.metadata.generation
        status.collisionCount = collisions
    }
}
