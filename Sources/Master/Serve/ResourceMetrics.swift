import Shared
import Synchronization

/// `metrics.k8s.io/v1beta1`: the use of CPU and memory of nodes and pods, from the agents' figures. A class: it keeps
/// the last readings, over which the use of CPU is counted.
///
/// Nothing is measured while nobody asks. The first question after a pause waits a second for a second reading.
final class ResourceMetrics: Sendable {
    private let storage: Storage
    /// The agent's `/stats/summary`.
    private let fetch: @Sendable (_ node: String) async throws -> JSON
    private let readings = Mutex<[String: [MetricsReading]]>([:])

    init(storage: Storage, fetch: @escaping @Sendable (_ node: String) async throws -> JSON) {
        self.storage = storage
        self.fetch = fetch
    }

    /// - Throws: 404 for a name that has no figures.
    func answer(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let selection = try Selection(call.query, access.resource)
        let isPods = access.resource.plural == "pods"
        var items: [JSON] = []
        if isPods {
            let wanted = storage.store.list(
                Pod.type.resource, namespace: access.namespace.isEmpty ? nil : access.namespace
            ).items.filter { item in
                (access.name.isEmpty || item.key.name == access.name) && selection.matches(item.projection, item.key)
            }
            let windows = await windows(of: Set(wanted.compactMap { $0.projection.fields["spec.nodeName"] }))
            for item in wanted {
                guard let window = windows[item.projection.fields["spec.nodeName"] ?? ""] else { continue }
                if let metrics = window.pod(item.projection.uid, item.key, labels: item.projection.labels) {
                    items.append(metrics)
                }
            }
        } else {
            let wanted = storage.store.list(Node.type.resource, namespace: nil).items.filter { item in
                (access.name.isEmpty || item.key.name == access.name) && selection.matches(item.projection, item.key)
            }
            let windows = await windows(of: Set(wanted.map(\.key.name)))
            for item in wanted {
                if let metrics = windows[item.key.name]?.node(item.key.name, labels: item.projection.labels) {
                    items.append(metrics)
                }
            }
        }
        let type = access.resource
        guard access.name.isEmpty else {
            guard var only = items.first else {
                let name = isPods ? "\(access.namespace)/\(access.name)" : access.name
                throw Status.notFound(GroupResource(group: type.group, isPods ? "podmetrics" : "nodemetrics"), name)
            }
            only = .object(
                .init(
                    [("kind", .string(type.kind)), ("apiVersion", .string(type.apiVersion))]
                        + only.members.map { ($0.key, $0.value) }))
            return Answer.json(200, only)
        }
        return Answer.json(
            200,
            [
                "kind": .string(type.listKind), "apiVersion": .string(type.apiVersion), "metadata": [:],
                "items": .array(items),
            ])
    }

    /// Fresh readings of these nodes, each with an older one. Nodes that do not answer are left out.
    private func windows(of wanted: Set<String>) async -> [String: MetricsWindow] {
        // A node that is lost would hold up the answer about the others.
        let nodes = wanted.filter { name in
            guard let node = try? storage.store.get(ObjectKey(Node.type.resource, name: name))?.json() else {
                return false
            }
            return Node(node).isReady
        }
        await read(nodes)
        // A node that did not answer now does not answer in a second either.
        let lacking = nodes.filter { node in
            readings.withLock { $0[node].map { !$0.isEmpty && MetricsWindow($0) == nil } ?? false }
        }
        if !lacking.isEmpty {
            try? await SystemClock().sleep(for: .seconds(1))
            await read(lacking)
        }
        return readings.withLock { readings in
            var windows: [String: MetricsWindow] = [:]
            for node in nodes { windows[node] = readings[node].flatMap { MetricsWindow($0) } }
            return windows
        }
    }

    private func read(_ nodes: Set<String>) async {
        let fetch = fetch
        await withTaskGroup(of: (String, MetricsReading?).self) { group in
            for node in nodes {
                // Many who ask at once share one reading.
                let last = readings.withLock { $0[node]?.last?.taken }
                if let last, SystemClock().uptime() - last < .milliseconds(Limits.metricsFreshMilliseconds) { continue }
                group.addTask {
                    let summary = try? await fetch(node)
                    return (node, summary.map { MetricsReading($0, taken: SystemClock().uptime()) })
                }
            }
            for await (node, reading) in group {
                readings.withLock { $0[node] = MetricsReading.kept($0[node] ?? [], adding: reading) }
            }
        }
    }
}

/// What an agent's summary says at one time. A value.
struct MetricsReading: Sendable, Equatable {
    struct Use: Sendable, Equatable {
        /// Of CPU since the start, nanoseconds.
        var cpu: Int64 = 0
        /// Bytes that can not be taken back: the working set.
        var memory: Int64 = 0
        var time = Timestamp(seconds: 0)
        /// Of the container; nil for a node.
        var start: Timestamp?

        init(_ json: JSON) {
            cpu = json.at("cpu", "usageCoreNanoSeconds").int.map(Int64.init) ?? 0
            memory = json.at("memory", "workingSetBytes").int.map(Int64.init) ?? 0
            time = json.at("cpu", "time").string.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(seconds: 0)
            start = json["startTime"].string.flatMap { Timestamp(rfc3339: $0) }
        }
    }
    /// Uptime of the master.
    let taken: Duration
    let node: Use
    /// By uid, then by the container's name.
    let pods: [String: [String: Use]]

    init(_ summary: JSON, taken: Duration) {
        self.taken = taken
        node = Use(summary["node"])
        var pods: [String: [String: Use]] = [:]
        for pod in summary["pods"].items {
            var containers: [String: Use] = [:]
            for container in pod["containers"].items { containers[container["name"].string ?? ""] = Use(container) }
            pods[pod.at("podRef", "uid").string ?? ""] = containers
        }
        self.pods = pods
    }

    /// The readings of one node that are worth keeping: a few, none older than a minute. A node that did not answer
    /// loses its readings, so that nothing old is told as new.
    static func kept(_ old: [MetricsReading], adding new: MetricsReading?) -> [MetricsReading] {
        guard let new else { return [] }
        return (old.filter { new.taken - $0.taken <= .seconds(Limits.metricsWindowSecondsMax) } + [new])
            .suffix(Limits.metricsReadingsMax)
    }
}

/// A reading and an earlier one, between which the use of CPU is counted. Pure. Source: metrics-server.
struct MetricsWindow: Sendable, Equatable {
    let last: MetricsReading
    let base: MetricsReading

    /// Nil when there is no earlier reading.
    init?(_ readings: [MetricsReading]) {
        guard let last = readings.last else { return nil }
        let earlier = readings.dropLast().filter { last.taken - $0.taken >= .milliseconds(500) }
        // The nearest one that is far enough away to count over; else the oldest.
        guard let base = earlier.last(where: { last.taken - $0.taken >= .seconds(10) }) ?? earlier.first else {
            return nil
        }
        (self.last, self.base) = (last, base)
    }

    func node(_ name: String, labels: [String: String]) -> JSON? {
        guard let rate = MetricsWindow.rate(last.node, base.node) else { return nil }
        return [
            "metadata": metadata(name, nil, labels, last.node.time), "timestamp": .string(last.node.time.rfc3339),
            "window": .string(MetricsWindow.text(rate.window)),
            "usage": MetricsWindow.usage(rate.cpu, last.node.memory),
        ]
    }

    /// Nil when a running container of the pod has no figures yet.
    func pod(_ uid: String, _ key: ObjectKey, labels: [String: String]) -> JSON? {
        guard let containers = last.pods[uid], !containers.isEmpty else { return nil }
        var items: [JSON] = []
        var window = Duration.zero
        var time = Timestamp(seconds: 0)
        for (name, use) in containers.sorted(by: { $0.key < $1.key }) {
            guard let rate = MetricsWindow.rate(use, base.pods[uid]?[name]) else { return nil }
            items.append(["name": .string(name), "usage": MetricsWindow.usage(rate.cpu, use.memory)])
            window = max(window, rate.window)
            time = max(time, use.time)
        }
        return [
            "metadata": metadata(key.name, key.namespace, labels, time), "timestamp": .string(time.rfc3339),
            "window": .string(MetricsWindow.text(window)), "containers": .array(items),
        ]
    }

    /// Nanoseconds of CPU per second. A container that started since counts from its start.
    private static func rate(
        _ last: MetricsReading.Use, _ base: MetricsReading.Use?
    ) -> (cpu: Int64, window: Duration)? {
        var from = (cpu: Int64(0), time: last.start ?? last.time)
        if let base, base.start == last.start, base.cpu <= last.cpu { from = (base.cpu, base.time) }
        let window = last.time - from.time
        guard window >= .milliseconds(100) else { return nil }
        let used = Double(max(0, last.cpu - from.cpu))
        let perSecond = used / (Double(window.nanoseconds) / 1e9)
        return (Int64(min(perSecond, 1e18)), window)
    }

    private static func usage(_ cpu: Int64, _ memory: Int64) -> JSON {
        ["cpu": .string("\(cpu)n"), "memory": .string("\(max(0, memory) / 1024)Ki")]
    }

    private static func text(_ window: Duration) -> String {
        let millis = window.nanoseconds / 1_000_000
        let fraction = String(1000 + millis % 1000).dropFirst()
        return "\(millis / 1000).\(fraction)s"
    }

    private func metadata(_ name: String, _ namespace: String?, _ labels: [String: String], _ time: Timestamp) -> JSON {
        var metadata: JSON = ["name": .string(name)]
        if let namespace { metadata["namespace"] = .string(namespace) }
        metadata["creationTimestamp"] = .string(time.wholeSecondText)
        if !labels.isEmpty {
            metadata["labels"] = .object(.init(labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        return metadata
    }
}

extension Timestamp {
    fileprivate var wholeSecondText: String { Timestamp(seconds: seconds).rfc3339 }
}

extension Limits {
    /// Readings of a node's figures that are kept.
    static let metricsReadingsMax = 8
    /// Seconds after which a reading is too old to count from.
    static let metricsWindowSecondsMax = 90
    /// Milliseconds within which several questions share one reading.
    static let metricsFreshMilliseconds = 500
    /// Seconds that an agent may take to give its figures.
    static let metricsSeconds = 5
    /// Seconds that a client has to read the last bytes of an upgraded connection before it is closed.
    static let proxyLingerSeconds = 3
}
