import Shared
import Testing

/// Operations and what comes of them, written like a recording of a real cluster. The expectations follow from the
/// source of Kubernetes, which each suite names.
struct Scenario {
    private let topic: String
    private let isAutomatic: Bool
    private var steps: [JSON] = []

    init(_ topic: String, automatic: Bool = true) {
        self.topic = topic
        isAutomatic = automatic
    }

    /// - Parameters:
    ///   - observed: kinds, or `events`, and their objects in normal form; other kinds are not looked at.
    ///   - results: the answers outside 2xx, and all to evictions.
    mutating func step(_ actions: [JSON], _ observed: JSON, results: [JSON] = []) {
        steps.append(["action": .array(actions), "observed": observed, "results": .array(results)])
    }

    func play() async throws {
        let recording = Recording([
            "id": .string("\(topic)-own"), "topic": .string(topic), "auto": .bool(isAutomatic), "steps": .array(steps),
        ])
        let differences = try await Replay.differences(recording)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    // MARK: Operations

    static func create(_ object: JSON) -> JSON { ["op": "create", "obj": object] }
    static func delete(_ kind: String, _ name: String, policy: String? = nil) -> JSON {
        var action: JSON = ["op": "delete", "kind": .string(kind), "name": .string(name)]
        if let policy { action["policy"] = .string(policy) }
        return action
    }
    static func patch(_ kind: String, _ name: String, _ body: JSON) -> JSON {
        ["op": "patch", "kind": .string(kind), "name": .string(name), "body": body]
    }
    static func wait(_ seconds: Int) -> JSON { ["op": "wait", "s": JSON(seconds)] }
    static func evict(_ name: String) -> JSON { ["op": "evict", "name": .string(name)] }
    static let stopAgents: JSON = ["op": "auto", "on": false]
    static let tick: JSON = ["op": "tick"]

    /// The refusal of a creation.
    static func refused(_ resource: String, _ name: String, _ why: String) -> JSON {
        [
            "op": "create", "code": 403, "reason": "Forbidden",
            "message": .string("\(resource) \"\(name)\" is forbidden: \(why)"),
        ]
    }

    // MARK: Objects

    /// - Parameters:
    ///   - image: tells the agents what becomes of the pod.
    ///   - spec: laid over.
    static func pod(
        _ name: String, image: String = "run:1", app: String = "web", container: JSON = [:], spec: JSON = [:]
    ) -> JSON {
        var inner: JSON = ["name": "c", "image": .string(image)]
        for (key, value) in container.members { inner[key] = value }
        var pod: JSON = [
            "kind": "Pod", "metadata": ["name": .string(name), "labels": ["app": .string(app)]],
            "spec": [
                "nodeSelector": ["set": "pool"],
                "tolerations": [["key": "helper", "operator": "Exists", "effect": "NoSchedule"]],
            ],
        ]
        pod["spec"]["containers"] = .array([inner])
        for (key, value) in spec.members { pod["spec"][key] = value }
        return pod
    }

    static func service(_ name: String = "web", labels: JSON = [:], spec: JSON = [:]) -> JSON {
        var service: JSON = [
            "kind": "Service", "metadata": ["name": .string(name), "labels": labels],
            "spec": ["ports": [["port": 80]], "selector": ["app": "web"]],
        ]
        for (key, value) in spec.members { service["spec"].set(key, value.isNull ? nil : value) }
        return service
    }

    static func map(_ name: String, finalizers: [String] = [], owners: [JSON] = []) -> JSON {
        [
            "kind": "ConfigMap",
            "metadata": [
                "name": .string(name), "finalizers": JSON(finalizers), "ownerReferences": .array(owners),
            ],
            "data": ["k": "v"],
        ]
    }
    /// A reference to a ConfigMap.
    static func owner(_ name: String, blocks: Bool = true) -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "name": .string(name), "uid": .string("$uid:ConfigMap/\(name)"),
            "blockOwnerDeletion": .bool(blocks),
        ]
    }

    static func volume(_ name: String = "a", size: String = "1Gi", spec: JSON = [:]) -> JSON {
        var volume: JSON = [
            "kind": "PersistentVolume", "metadata": ["name": .string("gc-$S-\(name)")],
            "spec": [
                "capacity": ["storage": .string(size)], "accessModes": ["ReadWriteOnce"], "storageClassName": "gc-$S-x",
                "persistentVolumeReclaimPolicy": "Retain", "hostPath": ["path": "/x"],
            ],
        ]
        for (key, value) in spec.members { volume["spec"].set(key, value.isNull ? nil : value) }
        return volume
    }
    static func claim(_ name: String = "c", size: String = "1Gi", spec: JSON = [:]) -> JSON {
        var claim: JSON = [
            "kind": "PersistentVolumeClaim", "metadata": ["name": .string(name)],
            "spec": [
                "accessModes": ["ReadWriteOnce"], "storageClassName": "gc-$S-x",
                "resources": ["requests": ["storage": .string(size)]],
            ],
        ]
        for (key, value) in spec.members { claim["spec"][key] = value }
        return claim
    }
    static func storageClass(_ members: JSON = [:]) -> JSON {
        var storage: JSON = [
            "kind": "StorageClass", "metadata": ["name": "gc-$S-x"], "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "Immediate",
        ]
        for (key, value) in members.members { storage[key] = value }
        return storage
    }
    static func quota(_ hard: JSON, name: String = "q", scopes: [String] = []) -> JSON {
        var quota: JSON = [
            "kind": "ResourceQuota", "metadata": ["name": .string(name)], "spec": ["hard": hard],
        ]
        if !scopes.isEmpty { quota["spec"]["scopes"] = JSON(scopes) }
        return quota
    }
}
