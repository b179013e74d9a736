import Shared

@testable import Master

/// The state of a replay's namespace in the form of the recordings: without anything that differs from run to run.
struct NormalForm {
    private let store: Store
    private let registry: Registry
    private let isWhole: Bool
    /// Replaced wherever they occur, the longest first.
    private var words: [(word: String, placeholder: String)] = []
    private var addresses: [String: String] = [:]
    /// What generated names begin with, in normal form.
    private var prefixes: [String] = []
    private var cronJobs: [String] = []

    /// Kinds whose objects other objects name.
    private static let named = [
        "ReplicaSet", "ControllerRevision", "Pod", "Job", "CronJob", "Deployment", "StatefulSet", "DaemonSet",
        "Service",
        "EndpointSlice", "Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "ReplicationController",
    ]

    /// - Parameter isWhole: nothing is left out that every namespace has.
    init(_ cluster: InProcessCluster, isWhole: Bool = false) async throws {
        self.isWhole = isWhole
        store = cluster.plane.store
        registry = cluster.plane.storage.registry
        words = [(Replay.word, "$S")]
        var metadata: [(kind: String, ObjectMeta)] = []
        for kind in NormalForm.named {
            guard let type = type(of: kind) else { continue }
            var seen: Set<String> = []
            var order = 0
            for stored in try await history(type) where seen.insert(stored.projection.uid).inserted {
                order += 1
                let meta = try stored.metadata()
                metadata.append((kind, meta))
                if kind == "ReplicaSet", let hash = meta.labels[PodTemplate.hashLabel] {
                    words.append((hash, "<hash:\(order)>"))
                }
                if kind == "ControllerRevision",
                    let hash = meta.labels["controller.kubernetes.io/hash"] ?? meta.labels["controller-revision-hash"]
                {
                    words.append((String(hash.split(separator: "-").last ?? ""), "<rev:\(order)>"))
                }
                if kind == "CronJob" { cronJobs.append(meta.name) }
            }
        }
        words.sort { $0.word.utf8.count > $1.word.utf8.count }
        var prefixes: Set<String> = []
        for name in cronJobs { prefixes.insert("\(name)-<t>-") }
        for (_, meta) in metadata {
            prefixes.insert(basic(meta.name) + "-")
            if !meta.generateName.isEmpty { prefixes.insert(basic(meta.generateName)) }
        }
        self.prefixes = prefixes.filter { !$0.hasSuffix("*-") }.sorted { $0.utf8.count > $1.utf8.count }
        for (kind, meta) in metadata { words.append((meta.uid, "<uid:\(kind)/\(normal(meta.name))>")) }
        var addressed: Set<String> = []
        for stored in try await history(Pod.type).reversed() where !addressed.contains(stored.projection.uid) {
            let pod = Pod(try stored.json())
            guard !pod.status.podIP.isEmpty else { continue }
            addressed.insert(stored.projection.uid)
            addresses[pod.status.podIP] = "<ip:\(normal(pod.name))>"
        }
        words.sort { $0.word.utf8.count > $1.word.utf8.count }
    }

    private func type(of kind: String) -> KindType? {
        registry.resources.first { $0.kind == kind && $0.isStored }?.type
    }

    /// All that ever was in the namespace, every change of it, the oldest first.
    private func history(_ type: KindType) async throws -> [Stored] {
        var after = Revision.zero
        var objects: [Stored] = []
        while true {
            let page = try await store.log.changes(type.resource, Replay.namespace, after, 1000)
            objects += page.changes.map(\.stored)
            if page.changes.isEmpty || page.upTo <= after { return objects }
            after = page.upTo
        }
    }

    // MARK: Texts

    func normal(_ json: JSON) -> JSON {
        switch json {
        case .string(let text): .string(normal(text))
        case .array(let items): .array(items.map(normal))
        case .object(let members): .object(JSON.Members(members.map { (normal($0.key), normal($0.value)) }))
        default: json
        }
    }

    func normal(_ text: String) -> String {
        if let address = addresses[text] { return address }
        var text = basic(text)
        for name in cronJobs where text.contains(name + "-") { text = NormalForm.star(text, after: name + "-", .time) }
        for prefix in prefixes where text.contains(prefix) { text = NormalForm.star(text, after: prefix, .suffix) }
        return NormalForm.withoutTimes(text)
    }

    private func basic(_ text: String) -> String {
        var text = text
        for (word, placeholder) in words where text.contains(word) { text = text.replacing(word, with: placeholder) }
        return text
    }

    private enum Part { case suffix, time }
    private static let letters = Set("bcdfghjklmnpqrstvwxz2456789")

    /// Puts a placeholder for what was made up after a prefix.
    private static func star(_ text: String, after prefix: String, _ part: Part) -> String {
        var result = ""
        var rest = text[...]
        while let range = rest.firstRange(of: prefix) {
            result += rest[..<range.upperBound]
            rest = rest[range.upperBound...]
            let length = part == .suffix ? 5 : rest.prefix { $0.isNumber }.count
            let made = rest.prefix(length)
            let next = rest.dropFirst(length).first
            let isWhole = next.map { !$0.isLetter && !$0.isNumber } ?? true
            let fits = part == .suffix ? made.count == 5 && made.allSatisfy { letters.contains($0) } : length >= 7
            guard isWhole, fits else { continue }
            result += part == .suffix ? "*" : "<t>"
            rest = rest.dropFirst(length)
        }
        return result + rest
    }

    private static func withoutTimes(_ text: String) -> String {
        guard text.contains("T"), text.contains("Z") else { return text }
        return text.replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/#, with: "<time>")
    }

    // MARK: Objects

    /// The objects of a kind in the namespace, equal ones merged.
    func objects(of kind: String) throws -> [JSON] {
        guard let type = type(of: kind) else { return [] }
        let objects = try store.list(type.resource).items.filter { stored in
            type.isNamespaced
                ? stored.key.namespace == Replay.namespace : stored.key.name.hasPrefix(Replay.namespace)
        }.map { try $0.json() }
        let own = objects.filter { isWhole || !NormalForm.isLeftOut(Object($0), kind) }
        return NormalForm.merged(own.compactMap { NormalForm.modern(normal(view(kind, $0)), kind) })
    }

    private static func isLeftOut(_ object: Object, _ kind: String) -> Bool {
        kind == "ConfigMap" && object.name == ConfigMap.rootCertificates
    }

    func events() throws -> [JSON] {
        var counts: [JSON: Int] = [:]
        for stored in store.list(Event.type.resource, namespace: Replay.namespace).items {
            let event = try stored.json()
            guard event.at("source", "component").string != "default-scheduler" else { continue }
            let involved = event["involvedObject"]
            let signature: JSON = [
                "kind": involved["kind"], "name": .string(normal(involved["name"].string ?? "")),
                "type": event["type"], "reason": event["reason"],
                "message": .string(normal(event["message"].string ?? "")),
            ]
            counts[signature, default: 0] += event["count"].int ?? 1
        }
        return counts.compactMap { signature, count in
            var event = signature
            event["count"] = JSON(count)
            return NormalForm.modern(event, "events")
        }
    }

    /// A pod without the name of its node.
    static func anywhere(_ pod: JSON) -> JSON {
        guard !pod["node"].isNull else { return pod }
        var pod = pod
        pod.remove("node")
        pod["bound"] = true
        return pod.canonical
    }

    /// Equal objects as one, with their count.
    static func merged(_ objects: [JSON]) -> [JSON] {
        var counts: [JSON: Int] = [:]
        for object in objects { counts[object, default: 0] += 1 }
        return counts.map { object, count in
            guard count > 1 else { return object }
            var object = object
            object["count"] = JSON(count)
            return object
        }
    }

    /// What one list has and the other has not, as text.
    static func difference(_ expected: [JSON], _ observed: [JSON]) -> (missing: [String], surplus: [String]) {
        var rest = observed.map(\.canonical.text)
        var missing: [String] = []
        for text in expected.map(\.canonical.text) {
            if let index = rest.firstIndex(of: text) { rest.remove(at: index) } else { missing.append(text) }
        }
        return (missing.sorted(), rest.sorted())
    }
}
