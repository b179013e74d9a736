import Shared

/// Which of the lost nodes have their pods moved elsewhere now. A value over all nodes and their zones.
///
/// In each zone two nodes are given up at once, then one every ten seconds; in a large zone of which most is lost, one
/// every hundred. When **all** nodes of the cluster are lost the master is the one that is cut off, or the machine
/// slept: none is given up, and for a while after that none either, so that all can report again.
/// Source: `node_lifecycle_controller.go`, which waits in small zones as well; here a cluster of three survives on one.
struct ZoneEvictions: Equatable, Sendable {
    static let burst = 2.0
    static let period = Duration.seconds(10)
    static let slowPeriod = Duration.seconds(100)
    /// Nodes of a zone above which its loss in large part slows down.
    static let largeZoneNodes = 50
    static let largePart = 0.55

    private struct Place: Equatable, Sendable {
        var zone: String
        var isLost: Bool
    }
    private struct Bucket: Equatable, Sendable {
        var tokens = ZoneEvictions.burst
        var filled: Duration
    }
    private struct Count: Equatable, Sendable {
        var all = 0
        var lost = 0
    }
    /// How long after a standstill nobody is given up.
    let calm: Duration
    private var places: [String: Place] = [:]
    private var counts: [String: Count] = [:]
    private var buckets: [String: Bucket] = [:]
    private var lost = 0
    private var resumed: Duration?
    /// Nodes whose pods are leaving.
    private(set) var granted: Set<String> = []

    init(calm: Duration) { self.calm = calm }

    var isEmpty: Bool { places.isEmpty }
    /// All nodes are lost.
    var isStopped: Bool { !places.isEmpty && lost == places.count }

    /// Takes note of a node.
    /// - Returns: true when the standstill of all nodes begins or ends with it.
    mutating func note(_ node: String, zone: String, isLost: Bool, now: Duration) -> Bool {
        change(node, to: Place(zone: zone, isLost: isLost), now)
    }

    /// Forgets a node.
    /// - Returns: as `note` does.
    mutating func remove(_ node: String, now: Duration) -> Bool { change(node, to: nil, now) }

    private mutating func change(_ node: String, to place: Place?, _ now: Duration) -> Bool {
        let old = places[node]
        guard old != place else { return false }
        let wasStopped = isStopped
        if let old { count(old, by: -1) }
        places[node] = place
        if let place { count(place, by: 1) }
        if !(place?.isLost ?? false) { granted.remove(node) }
        guard isStopped != wasStopped else { return false }
        if isStopped { granted = [] } else { resumed = now }
        return true
    }

    private mutating func count(_ place: Place, by number: Int) {
        counts[place.zone, default: Count()].all += number
        if place.isLost {
            counts[place.zone, default: Count()].lost += number
            lost += number
        }
        // The allowance outlives the nodes: those that come and go get no fresh one.
        if counts[place.zone]?.all == 0 { counts[place.zone] = nil }
    }

    /// Whether the pods of a lost node may leave now; if not, when to ask again. Nil: when something changes.
    mutating func ask(_ node: String, now: Duration) -> (isGranted: Bool, again: Duration?) {
        guard let place = places[node], place.isLost, !isStopped else { return (false, nil) }
        if granted.contains(node) { return (true, nil) }
        if let resumed, now < resumed + calm { return (false, resumed + calm - now) }
        let count = counts[place.zone] ?? Count()
        let isSlow =
            count.all > ZoneEvictions.largeZoneNodes
            && Double(count.lost) >= ZoneEvictions.largePart * Double(count.all)
        let period = isSlow ? ZoneEvictions.slowPeriod : ZoneEvictions.period
        var bucket = buckets[place.zone] ?? Bucket(filled: now)
        let gained = max(0, (now - bucket.filled).inSeconds / period.inSeconds)
        bucket.tokens = min(ZoneEvictions.burst, bucket.tokens + gained)
        bucket.filled = now
        defer { buckets[place.zone] = bucket }
        guard bucket.tokens >= 1 else {
            return (false, .nanoseconds(Int64((1 - bucket.tokens) * Double(period.nanoseconds))))
        }
        bucket.tokens -= 1
        granted.insert(node)
        return (true, nil)
    }
}

extension Node {
    /// Region and zone, as the labels tell them.
    var zone: String {
        let labels = metadata.labels
        return (labels["topology.kubernetes.io/region"] ?? "") + ":" + (labels["topology.kubernetes.io/zone"] ?? "")
    }
}
