import Shared
import TestKit

@testable import Master

/// Replays one recording on a cluster of its own and tells in what it differs.
struct SchedulingReplay {
    static let namespace = "gc-\(SchedulingRecording.word)"
    let recording: SchedulingRecording
    let cluster: InProcessCluster
    private(set) var differences: [String] = []

    private init(_ recording: SchedulingRecording, _ cluster: InProcessCluster) {
        self.recording = recording
        self.cluster = cluster
    }

    /// - Returns: what differs from the recording; empty when nothing does.
    static func run(_ recording: SchedulingRecording) async throws -> [String] {
        var differences: [String] = []
        try await InProcessCluster.with(nodes: 0) { cluster in
            var replay = SchedulingReplay(recording, cluster)
            try await replay.prepare()
            switch recording.mode {
            case "place", "once": try await replay.place()
            case "preempt": try await replay.preempt()
            case "many": try await replay.many()
            case "unblock": try await replay.unblock()
            default: replay.differences.append("the mode \(recording.mode) is not known")
            }
            differences = replay.differences
        }
        return differences
    }

    private var client: Client { cluster.client }
    private var observed: JSON { recording.observed }

    private mutating func expect<Value: Equatable>(_ what: String, _ found: Value, _ wanted: Value) {
        if found != wanted { differences.append("\(what): \(found) instead of \(wanted)") }
    }

    // MARK: The scene

    private func prepare() async throws {
        for (name, value) in [("low", 10), ("mid", 100), ("high", 1000), ("never", 1000)] {
            var object: JSON = [
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
                "metadata": ["name": .string("gc-\(name)")], "value": JSON(value),
            ]
            if name == "never" { object["preemptionPolicy"] = "Never" }
            _ = try await client.call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", body: object)
        }
        _ = try await client.create(Namespace(name: SchedulingReplay.namespace))
        for node in recording.json["nodes"].items { try await add(node) }
        for object in recording.json["objs"].items { try await create(object) }
        try await cluster.settle()
        try await bindClaims()
        for pod in recording.json["existing"].items { try await run(pod) }
        try await delete(recording.json["delobj"].items.compactMap(\.string))
        try await cluster.settle()
    }

    private func add(_ json: JSON) async throws {
        let name = json["name"].string ?? ""
        var node = Node(name: name)
        node.metadata.labels = json["labels"].strings.merging(["kubernetes.io/hostname": name]) { own, _ in own }
        if json["unsched"].bool ?? false { node.json["spec"]["unschedulable"] = true }
        if !json["taints"].items.isEmpty { node.json["spec"]["taints"] = json["taints"] }
        _ = try await client.create(node)
        let ready = Condition("Ready", true, reason: "KubeletReady", since: cluster.clock.now())
        _ = try await client.patch(
            Node.self, name: name, subresource: "status", .merge,
            [
                "status": [
                    "capacity": json["alloc"], "allocatable": json["alloc"], "conditions": [ready.json],
                    "addresses": [["type": "InternalIP", "address": "10.0.0.1"]],
                ]
            ])
    }

    private func type(of kind: String) throws -> KindType {
        let registry = cluster.plane.storage.registry
        guard let resource = registry.resources.first(where: { $0.kind == kind && $0.isStored }) else {
            throw Status(.notFound, "\(kind) is not served")
        }
        return resource.type
    }

    private func create(_ object: JSON) async throws {
        let type = try type(of: object["kind"].string ?? "")
        var object = object
        object["apiVersion"] = .string(type.apiVersion)
        let namespace = type.isNamespaced ? SchedulingReplay.namespace : ""
        _ = try await client.call("POST", type.path(namespace: namespace), body: object)
    }

    /// - Parameter place: kind and name.
    private func delete(_ place: [String]) async throws {
        guard place.count == 2 else { return }
        let type = try type(of: place[0])
        let namespace = type.isNamespaced ? SchedulingReplay.namespace : ""
        _ = try await client.call(
            "DELETE", type.path(namespace: namespace, name: place[1]), body: ["kind": "DeleteOptions"])
    }

    /// Claims of a class that binds at once are bound before the pod comes.
    private func bindClaims() async throws {
        let claims = try await client.list(PersistentVolumeClaim.self, namespace: SchedulingReplay.namespace).items
        let volumes = try await client.list(PersistentVolume.self).items.sorted { $0.name < $1.name }
        let classes = try await client.list(StorageClass.self).items
        var taken: Set<String> = []
        for claim in claims where !claim.isBound {
            if classes.contains(where: { $0.name == claim.storageClass && $0.waitsForConsumer }) { continue }
            guard
                let volume = volumes.first(where: {
                    $0.storageClass == claim.storageClass && $0.claim == nil && !taken.contains($0.name)
                })
            else { continue }
            taken.insert(volume.name)
            _ = try await client.patch(
                PersistentVolume.self, name: volume.name, .merge, ["spec": ["claimRef": ClaimReference(claim).json]])
            _ = try await client.patch(
                PersistentVolumeClaim.self, namespace: claim.namespace, name: claim.name, .merge,
                [
                    "metadata": ["annotations": ["pv.kubernetes.io/bind-completed": "yes"]],
                    "spec": ["volumeName": .string(volume.name)],
                ])
            _ = try await client.patch(
                PersistentVolumeClaim.self, namespace: claim.namespace, name: claim.name, subresource: "status",
                .merge, ["status": ["phase": "Bound"]])
        }
        for volume in try await client.list(PersistentVolume.self).items where volume.phase != "Bound" {
            let phase: JSON = volume.claim == nil ? "Available" : "Bound"
            _ = try await client.patch(
                PersistentVolume.self, name: volume.name, subresource: "status", .merge, ["status": ["phase": phase]])
        }
    }

    /// A pod that runs on the node that it names.
    private func run(_ json: JSON) async throws {
        let name = try await make(json, name: nil)
        var status: JSON = ["phase": json["phase"].isNull ? "Running" : json["phase"]]
        if let seconds = json["start"].int {
            status["startTime"] = .string((cluster.clock.now() - .seconds(-seconds)).rfc3339)
        }
        _ = try await client.patch(
            Pod.self, namespace: SchedulingReplay.namespace, name: name, subresource: "status", .strategic,
            ["status": status])
    }

    @discardableResult
    private func make(_ json: JSON, name: String?) async throws -> String {
        var pod = Pod(name: name ?? json.at("metadata", "name").string ?? "t", namespace: SchedulingReplay.namespace)
        pod.metadata.labels = json.at("metadata", "labels").strings
        pod.json["spec"] = json["spec"]
        _ = try await client.create(pod)
        return pod.name
    }

    private func pod(_ name: String = "t") async throws -> Pod? {
        do {
            return try await client.get(Pod.self, namespace: SchedulingReplay.namespace, name: name)
        } catch let status as Status where status.reason == .notFound { return nil }
    }

    private static func message(_ pod: Pod?) -> String? {
        guard let condition = pod?.status.condition("PodScheduled"), !condition.isTrue else { return nil }
        return SchedulingRecording.withoutPreemption(condition.message)
    }
    private static func modern(_ message: JSON) -> String? { message.string.map(SchedulingRecording.modern) }

    // MARK: Modes

    private mutating func place() async throws {
        try await make(recording.json["pod"], name: "t")
        // What each node alone would say, before the pod takes its place.
        let (feasible, chosen) = try await choices()
        try await cluster.settle()
        try await bindWaitingClaims()
        let pod = try await pod()
        let node = pod?.spec.nodeName ?? ""
        expect("scheduled", !node.isEmpty, observed["scheduled"].bool ?? false)
        if !observed["message"].isNull || recording.mode == "once" && node.isEmpty {
            expect("message", SchedulingReplay.message(pod), SchedulingReplay.modern(observed["message"]))
        }
        if let wanted = observed["feasible"].array { expect("feasible", JSON(feasible.sorted()), .array(wanted)) }
        guard let wanted = observed["chosen"].array?.compactMap(\.string) else { return }
        if !wanted.contains(node) { differences.append("chosen: \(node) is not among \(wanted)") }
        if recording.mode == "place", !recording.unstable.contains("chosen"), !chosen.isSubset(of: wanted) {
            differences.append("chosen: \(chosen.sorted()) instead of \(wanted)")
        }
    }

    /// The nodes that would do, and those that are chosen in some tries.
    private func choices() async throws -> (feasible: [String], chosen: Set<String>) {
        guard let object = try await pod(), object.spec.nodeName.isEmpty || recording.mode == "place" else {
            return ([], [])
        }
        var snapshot = Snapshot()
        for node in try await client.list(Node.self).items { _ = snapshot.put(node) }
        for volume in try await client.list(PersistentVolume.self).items { snapshot.volumes.put(volume) }
        for storage in try await client.list(StorageClass.self).items { snapshot.volumes.put(storage) }
        for claim in try await client.list(PersistentVolumeClaim.self).items { snapshot.volumes.put(claim) }
        for pod in try await client.list(Pod.self).items
        where !pod.spec.nodeName.isEmpty && !pod.isFinished && pod.name != "t" {
            snapshot.place(PodDemand(pod), on: pod.spec.nodeName)
        }
        let demand = PodDemand(object)
        let cycle = Cycle(demand, &snapshot, .standard)
        let feasible =
            cycle.refusal != nil
            ? []
            : snapshot.nodes.filter { Profile.standard.refusal(of: demand, on: $0, cycle, nil) == nil }.map(\.name)
        var chosen: Set<String> = []
        for seed in 1...24 {
            var placer = Placer(random: Lottery(seed: UInt64(seed)))
            if case .node(let name) = placer.place(demand, in: &snapshot) { chosen.insert(name) }
        }
        return (feasible, chosen)
    }

    /// Finishes what the scheduler began where no volume controller does: a volume that points at a claim is bound.
    private func bindWaitingClaims() async throws {
        for volume in try await client.list(PersistentVolume.self).items {
            guard let claim = volume.claim, !claim.uid.isEmpty else { continue }
            let object = try await client.get(
                PersistentVolumeClaim.self, namespace: claim.namespace, name: claim.name)
            if object.isBound { continue }
            _ = try await client.patch(
                PersistentVolumeClaim.self, namespace: claim.namespace, name: claim.name, .merge,
                [
                    "metadata": ["annotations": ["pv.kubernetes.io/bind-completed": "yes"]],
                    "spec": ["volumeName": .string(volume.name)],
                ])
        }
        try await cluster.settle()
    }

    private mutating func preempt() async throws {
        try await make(recording.json["pod"], name: "t")
        try await cluster.settle()
        let first = try await pod()
        let uid = first?.metadata.uid ?? ""
        // It may be placed by now: pods on their way out no longer count for all that keeps pods apart.
        let course = try await cluster.course(of: Pod.self, in: SchedulingReplay.namespace).map(\.object)
        let message = course.filter { $0.name == "t" }.lazy.compactMap { SchedulingReplay.message($0) }.first
        expect("firstMessage", message, SchedulingReplay.modern(observed["firstMessage"]))
        expect(
            "nominated", first?.status.json["nominatedNodeName"].string ?? "", observed["nominated"].string ?? "")
        let pods = try await client.list(Pod.self, namespace: SchedulingReplay.namespace).items
        let victims = pods.filter(\.metadata.isDeleting)
        expect("victims", JSON(victims.map(\.name).sorted()), observed["victims"])
        let events = try await client.list(Event.self, namespace: SchedulingReplay.namespace).items
            .filter { $0.json["reason"].string == "Preempted" }
            .map { event -> String in
                "\(event.json.at("involvedObject", "name").string ?? "") \(event.json["message"].string ?? "")"
            }
        // Later versions name the pod by its uid.
        let wanted = observed["events"].items.map { event in
            "\(event["pod"].string ?? "") "
                + (event["message"].string ?? "").replacing(
                    "by \(SchedulingReplay.namespace)/t on", with: "by pod \(uid) on")
        }
        expect("events", events.sorted(), wanted.sorted())
        for victim in victims {
            try await client.delete(
                Pod.self, namespace: victim.namespace, name: victim.name, graceSeconds: 0, uid: victim.metadata.uid)
        }
        try await cluster.settle()
        expect("finalNode", try await pod()?.spec.nodeName ?? "", observed["finalNode"].string ?? "")
    }

    private mutating func many() async throws {
        let count = recording.json["count"].int ?? 1
        if let owner = recording.json["owner"].string, owner == "ReplicaSet" {
            var set = ReplicaSet(name: "t", namespace: SchedulingReplay.namespace)
            var template = recording.json["pod"]
            let labels = template.at("metadata", "labels").strings.merging(["set": "t"]) { own, _ in own }
            template["metadata"]["labels"] = JSON(labels)
            set.json["spec"] = [
                "replicas": JSON(count), "selector": ["matchLabels": JSON(labels)], "template": template,
            ]
            _ = try await client.create(set)
        } else {
            for number in 0..<count {
                try await make(recording.json["pod"], name: "t\(number)")
                try await cluster.settle()
            }
        }
        try await cluster.settle()
        let pods = try await client.list(Pod.self, namespace: SchedulingReplay.namespace).items
            .filter { $0.name.hasPrefix("t") }
        var perNode: [String: Int] = [:]
        for node in recording.json["nodes"].items { perNode[node["name"].string ?? ""] = 0 }
        for pod in pods where !pod.spec.nodeName.isEmpty { perNode[pod.spec.nodeName, default: 0] += 1 }
        expect("countsSorted", JSON.array(perNode.values.sorted(by: >).map { JSON($0) }), observed["countsSorted"])
        let pending = pods.filter(\.spec.nodeName.isEmpty)
        expect("pending", JSON(pending.count), observed["pending"])
        let messages = Set(pending.compactMap { SchedulingReplay.message($0) })
        let wanted = observed["pendingMessages"].items.compactMap { SchedulingReplay.modern($0) }
        expect("pendingMessages", messages.sorted(), wanted.sorted())
    }

    private mutating func unblock() async throws {
        try await make(recording.json["pod"], name: "t")
        try await cluster.settle()
        expect(
            "message", SchedulingReplay.message(try await pod()), SchedulingReplay.modern(observed["message"]))
        for (verb, what) in recording.json["change"].members { try await change(verb, what) }
        try await cluster.settle()
        expect("finalNode", try await pod()?.spec.nodeName ?? "", observed["finalNode"].string ?? "")
    }

    private mutating func change(_ verb: String, _ what: JSON) async throws {
        let name = what.string ?? ""
        switch verb {
        case "addnode": try await add(what)
        case "addpod": try await run(what)
        case "uncordon":
            _ = try await client.patch(Node.self, name: name, .merge, ["spec": ["unschedulable": nil]])
        case "untaint": _ = try await client.patch(Node.self, name: name, .merge, ["spec": ["taints": nil]])
        case "delpod":
            try await client.delete(Pod.self, namespace: SchedulingReplay.namespace, name: name, graceSeconds: 0)
        case "label":
            _ = try await client.patch(
                Node.self, name: what["node"].string ?? what["name"].string ?? "", .merge,
                ["metadata": ["labels": what["labels"]]])
        case "delobj": try await delete(what.items.compactMap(\.string))
        default:
            if what["kind"].string != nil { return try await create(what) }
            if let objects = what.array, objects.allSatisfy({ $0["kind"].string != nil }) {
                for object in objects { try await create(object) }
                return
            }
            differences.append("the change \(verb) is not known")
        }
    }
}
