import Shared
import Synchronization

/// Counts and latencies of requests for `/metrics`. A class: all requests add to it.
final class RequestCounts: Sendable {
    struct Key: Hashable, Comparable {
        let verb: String
        let group: String
        let version: String
        let resource: String
        let subresource: String
        let scope: String

        static func < (left: Key, right: Key) -> Bool {
            (left.group, left.resource, left.subresource, left.verb, left.scope, left.version)
                < (right.group, right.resource, right.subresource, right.verb, right.scope, right.version)
        }
    }
    private struct Entry {
        var codes: [Int: Int] = [:]
        /// How many took at most as long as each of `bounds`.
        var buckets = [Int](repeating: 0, count: RequestCounts.bounds.count)
        var sum = 0.0
        var count = 0
    }
    private struct State {
        var entries: [Key: Entry] = [:]
        var running: [String: Int] = [:]
    }
    private let state = Mutex(State())

    /// Seconds. Source: apiserver `request_duration_seconds`, thinned.
    static let bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 15, 30, 60]

    func begin(isChange: Bool) {
        state.withLock { $0.running[isChange ? "mutating" : "readOnly", default: 0] += 1 }
    }

    /// Resources that nobody serves are counted as one, so that hostile paths do not fill the memory.
    func end(_ info: RequestInfo, isKnown: Bool, isChange: Bool, code: Int, seconds: Double) {
        let key = Key(
            verb: isKnown ? info.verb.uppercased() : "other", group: isKnown ? info.group : "",
            version: isKnown ? info.version : "", resource: isKnown ? info.resource : "",
            subresource: isKnown ? info.subresource : "",
            scope: !info.isResource
                ? "" : !info.pathName.isEmpty ? "resource" : info.namespace.isEmpty ? "cluster" : "namespace"
        )
        state.withLock { state in
            state.running[isChange ? "mutating" : "readOnly", default: 1] -= 1
            guard state.entries[key] != nil || state.entries.count < Limits.countedRequestsMax else { return }
            var entry = state.entries.removeValue(forKey: key) ?? Entry()
            entry.codes[code, default: 0] += 1
            entry.sum += seconds
            entry.count += 1
            if let index = Self.bounds.firstIndex(where: { seconds <= $0 }) { entry.buckets[index] += 1 }
            state.entries[key] = entry
        }
    }

    /// In the text form of Prometheus.
    var text: String {
        let (entries, running) = state.withLock { ($0.entries.sorted { $0.key < $1.key }, $0.running) }
        var totals =
            "# HELP apiserver_request_total Requests answered, by verb, resource and code.\n# TYPE apiserver_request_total counter\n"
        var times =
            "# HELP apiserver_request_duration_seconds How long requests took, watches aside.\n# TYPE apiserver_request_duration_seconds histogram\n"
        for (key, entry) in entries {
            let labels =
                "group=\"\(key.group)\",resource=\"\(key.resource)\",scope=\"\(key.scope)\",subresource=\"\(key.subresource)\",verb=\"\(key.verb)\",version=\"\(key.version)\""
            for (code, count) in entry.codes.sorted(by: { $0.key < $1.key }) {
                totals += "apiserver_request_total{code=\"\(code)\",\(labels)} \(count)\n"
            }
            if key.verb == "WATCH" { continue }
            var below = 0
            for (bound, count) in zip(Self.bounds, entry.buckets) {
                below += count
                times += "apiserver_request_duration_seconds_bucket{\(labels),le=\"\(bound)\"} \(below)\n"
            }
            times += "apiserver_request_duration_seconds_bucket{\(labels),le=\"+Inf\"} \(entry.count)\n"
            times += "apiserver_request_duration_seconds_sum{\(labels)} \(entry.sum)\n"
            times += "apiserver_request_duration_seconds_count{\(labels)} \(entry.count)\n"
        }
        var inflight =
            "# HELP apiserver_current_inflight_requests Requests that are being answered now.\n# TYPE apiserver_current_inflight_requests gauge\n"
        for kind in ["mutating", "readOnly"] {
            inflight += "apiserver_current_inflight_requests{request_kind=\"\(kind)\"} \(running[kind] ?? 0)\n"
        }
        return totals + times + inflight
    }
}

extension Limits {
    /// Kinds of requests that are counted apart; more are not counted.
    static let countedRequestsMax = 4_096
}
