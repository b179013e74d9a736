import Synchronization

/// Writes `core/v1 Event` objects about other objects, in the background and in order. Repetitions raise the count of
/// the first one; events that differ in their message only become one event after a while, and an object about which
/// too much is told is not told about any more. Losing an event never fails its cause. Source: client-go `tools/record`.
package final class Recorder: Service {
    package enum Kind: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    private struct Entry: Sendable {
        let involved: JSON
        let kind: Kind
        let reason: String
        var message: String
        let time: Timestamp
    }
    private struct Signature: Hashable {
        let involved: JSON
        let kind: Kind
        let reason: String
        var message: String

        /// What events that are combined have in common.
        var subject: Correlation.Subject {
            Correlation.Subject(involved: involved, isWarning: kind == .warning, reason: reason)
        }
    }
    private struct Written {
        let name: String
        var count: Int
    }

    private let client: Client
    private let component: String
    private let host: String
    private let clock: any WallClock
    private let entries: AsyncStream<Entry>
    private let input: AsyncStream<Entry>.Continuation
    private let log: Log

    /// - Parameters:
    ///   - component: `source.component`, such as `replicaset-controller`.
    ///   - host: `source.host`; the node's name for an agent, empty otherwise.
    package init(_ client: Client, component: String, host: String = "", clock: any WallClock, log: Log) {
        self.client = client
        self.component = component
        self.host = host
        self.clock = clock
        self.log = log
        (entries, input) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Limits.pendingEventsMax))
    }

    package func event<K: Shared.Kind>(
        _ object: K, _ kind: Kind, _ reason: String, _ message: String, field: String = ""
    ) {
        var involved: JSON = [
            "kind": .string(K.type.kind), "namespace": .string(object.namespace), "name": .string(object.name),
            "uid": .string(object.metadata.uid), "apiVersion": .string(K.type.apiVersion),
            "resourceVersion": .string(object.metadata.resourceVersion),
        ]
        if object.namespace.isEmpty { involved.remove("namespace") }
        if !field.isEmpty { involved["fieldPath"] = .string(field) }
        input.yield(Entry(involved: involved, kind: kind, reason: reason, message: message, time: clock.now()))
    }

    package func run() async throws {
        var written: [Signature: Written] = [:]
        var correlation = Correlation()
        // Makes names: never the same twice, whatever the clock does.
        var stamp: Int64 = 0
        for await next in entries {
            var entry = next
            var involved = entry.involved
            involved.remove("resourceVersion")
            var signature = Signature(
                involved: involved, kind: entry.kind, reason: entry.reason, message: entry.message)
            if written.count > Limits.rememberedEventsMax { written = [:] }
            let message = correlation.message(of: entry.message, signature.subject, now: entry.time)
            if message.isCombined { signature.message = Correlation.combined }
            guard correlation.allows(signature.involved, now: entry.time) else { continue }
            entry.message = message.text
            do {
                stamp = max(stamp &+ 1, entry.time.nanoseconds)
                written[signature] = try await write(entry, after: written[signature], &stamp)
            } catch {
                written[signature] = nil
                log.debug("an event was not written", ("reason", entry.reason), ("error", "\(error)"))
            }
            if Task.isCancelled { break }
        }
        throw CancellationError()
    }

    private func write(_ entry: Entry, after last: Written?, _ stamp: inout Int64) async throws -> Written {
        let namespace = entry.involved["namespace"].string ?? "default"
        if var last {
            last.count += 1
            let patch: JSON = [
                "count": JSON(last.count), "lastTimestamp": .string(entry.time.rfc3339),
                "message": .string(String(entry.message.prefix(1024))),
            ]
            do {
                _ = try await client.patch(Event.self, namespace: namespace, name: last.name, .merge, patch)
                return last
            } catch let status as Status where status.reason == .notFound {}
        }
        let subject = entry.involved["name"].string ?? ""
        var event = Event(name: "", namespace: namespace)
        event.json["involvedObject"] = entry.involved
        event.json["reason"] = .string(entry.reason)
        event.json["message"] = .string(String(entry.message.prefix(1024)))
        var source: JSON = ["component": .string(component)]
        if !host.isEmpty { source["host"] = .string(host) }
        event.json["source"] = source
        event.json["firstTimestamp"] = .string(entry.time.rfc3339)
        event.json["lastTimestamp"] = .string(entry.time.rfc3339)
        event.json["count"] = 1
        event.json["type"] = .string(entry.kind.rawValue)
        event.json["reportingComponent"] = .string(component)
        event.json["reportingInstance"] = .string(host)
        for _ in 0..<Limits.eventNameAttemptsMax {
            let name = subject + "." + String(UInt64(bitPattern: stamp), radix: 16)
            event.metadata.name = name
            do {
                _ = try await client.create(event)
                return Written(name: name, count: 1)
            } catch let status as Status where status.reason == .alreadyExists {
                // Another recorder told something of the same object in the same nanosecond.
                stamp &+= 1
            }
        }
        throw Status(.alreadyExists, "no free name was found for an event of \(subject)")
    }
}
