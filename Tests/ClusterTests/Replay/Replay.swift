import Shared

@testable import Master

/// Repeats a recording on a cluster of this master and looks at what comes of it.
struct Replay {
    /// Stands for `$S`: the part of names that made recordings distinct.
    static let word = "zyxwq"
    static let namespace = "gc-\(word)"
    /// Recordings of what later versions do otherwise, beside those that say so themselves; and why.
    static let outdated: [String: String] = [
        "job-007": "a job notes its start although it starts no pods",
        "job-010": "pods of a job are made anew after a time from the first failure on",
        "job-011": "pods of a job are made anew after a time from the first failure on",
        "job-029": "jobs select their pods by batch.kubernetes.io/controller-uid",
        // The recorded controller looks at its nodes every five seconds, and a taint more came with the second look.
        "nodelifecycle-009": "nodes that are lost are tainted at once",
        "daemonset-027": "no revision is made for a set that is being deleted, which the collector takes then",
        "statefulset-029": "no revision is made anew for a set that is being deleted",
    ]
    static let helperTaint: JSON = ["key": "helper", "value": "gc", "effect": "NoSchedule"]

    let recording: Recording
    let cluster: InProcessCluster

    /// Where the outcome differs from the recording, one line each; empty when it is the same.
    static func differences(_ recording: Recording) async throws -> [String] {
        var settings = InProcessCluster.Settings()
        settings.nodes = 0
        settings.nodeGrace = .seconds(40)
        // Neither the first minute of an hour, nor of a day, nor of a year: schedules are not due by chance.
        settings.start = Timestamp(seconds: 1_773_742_062)
        settings.options.notReadyTolerationSeconds = 300
        var differences: [String] = []
        try await InProcessCluster.with(settings) { cluster in
            let replay = Replay(recording: recording, cluster: cluster)
            try await replay.prepare()
            for (number, step) in recording.steps.enumerated() {
                let (observed, results) = try await replay.take(step)
                differences += replay.compare(observed, results, with: step).map { "step \(number): \($0)" }
            }
        }
        return differences
    }

    private func prepare() async throws {
        for name in ["gc-pool-1", "gc-pool-2"] {
            try await cluster.agents.start(
                name, cluster.client,
                FakeAgents.Shape(labels: ["set": "pool", "helper": "gc"], taints: [Replay.helperTaint]))
        }
        // The recorded cluster had no class of its own.
        for storageClass in try await cluster.client.list(StorageClass.self).items {
            try await cluster.client.delete(StorageClass.self, name: storageClass.name)
        }
        _ = try await cluster.client.create(Namespace(name: Replay.namespace))
        try await cluster.settle()
        cluster.agents.setAutomatic(recording.isAutomatic)
    }

    private func take(_ step: Recording.Step) async throws -> (observed: JSON, results: [JSON]) {
        var results: [JSON] = []
        for action in step.actions {
            if let result = try await perform(action) { results.append(result) }
            try await cluster.idle()
        }
        try await quiet()
        let form = try await NormalForm(cluster, isWhole: recording.topic == "serviceaccount")
        var observed: JSON = [:]
        for (kind, _) in step.observed.members {
            observed[kind] = .array(kind == "events" ? try form.events() : try form.objects(of: kind))
        }
        return (observed, results.map { form.normal($0) })
    }

    /// Lets time pass until nothing in the namespace has changed for a second.
    func quiet() async throws {
        var last = state
        for _ in 0..<120 {
            try await cluster.run(for: .seconds(1))
            let now = state
            if now == last { return }
            last = now
        }
    }

    /// A number that changes with every change in the namespace.
    private var state: Int {
        let store = cluster.plane.store
        var hasher = Hasher()
        for resource in store.counts().keys.sorted() {
            let items = store.list(resource).items.filter {
                $0.key.namespace == Replay.namespace
                    || ($0.key.namespace.isEmpty && $0.key.name.hasPrefix(Replay.namespace)
                        && resource != Node.type.resource)
            }
            hasher.combine(items.count)
            hasher.combine(items.map(\.revision).max())
        }
        return hasher.finalize()
    }

    // MARK: Comparing

    private var endedPods: Set<String> {
        let pods = cluster.plane.store.list(Pod.type.resource, namespace: Replay.namespace).items
            .compactMap { try? $0.json() }.map { Pod($0) }
        return Set(pods.filter(\.isFinished).map(\.name))
    }

    /// The services that are another name for something outside.
    private var aliases: Set<String> {
        let services = cluster.plane.store.list(ClusterService.type.resource, namespace: Replay.namespace).items
            .compactMap { try? $0.json() }.map { ClusterService($0) }
        return Set(services.filter { $0.type == "ExternalName" }.map(\.name))
    }

    /// Where pods change one by one the order of a Deployment's steps is not determined.
    private func isLoose(_ object: JSON, _ kind: String) -> Bool {
        kind == "events" && object["reason"] == "ScalingReplicaSet" && recording.changesManyPods
    }

    private func compare(_ observed: JSON, _ results: [JSON], with step: Recording.Step) -> [String] {
        var differences: [String] = []
        let (aliases, ended) = (aliases, endedPods)
        let isEmptying =
            observed["Namespace"].items.contains { $0["deleting"].bool ?? false } && !observed["Pod"].items.isEmpty
        for (kind, expected) in step.observed.members where !recording.unstable.contains(kind) {
            // Services that are aliases have no endpoints any more (kubernetes/kubernetes#105986).
            let isLeftOut = { isLoose($0, kind) || NormalForm.belongs($0, kind, to: aliases) }
            let wanted = expected.items.map { NormalForm.without(ended: ended, NormalForm.newer($0, kind), kind) }
                .compactMap { NormalForm.modern($0, kind) }.filter { !isLeftOut($0) }
            var found = observed[kind].items.filter { !isLeftOut($0) }.map { NormalForm.comparable($0, kind) }
            // In a namespace that goes, pods go before all else (1.33, KEP-5080).
            if isEmptying, !["Namespace", "Pod"].contains(kind) { found.removeAll { !($0["deleting"].bool ?? false) } }
            // A recording does not name nodes where any of several may have been chosen.
            if kind == "Pod", !wanted.contains(where: { !$0["node"].isNull }) {
                found = NormalForm.merged(found.map(NormalForm.anywhere))
            }
            let (missing, surplus) = NormalForm.difference(wanted, found)
            differences += missing.map { "\(kind) - \($0)" } + surplus.map { "\(kind) + \($0)" }
        }
        let (missing, surplus) = NormalForm.difference(
            step.results.map(NormalForm.modern(answer:)), results.map(NormalForm.modern(answer:)))
        return differences + missing.map { "result - \($0)" } + surplus.map { "result + \($0)" }
    }
}
