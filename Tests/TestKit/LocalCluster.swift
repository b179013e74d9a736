package import Foundation
package import Shared

/// A local cluster of the built programs, as `kconsole up` makes it, which is gone again when a test is done with it.
package struct LocalCluster: Sendable {
    /// Somebody else's cluster runs on this machine.
    package struct Taken: Error, CustomStringConvertible {
        package var description: String {
            "a cluster runs on this machine; end it with kconsole down and try again"
        }
    }
    package let state: String
    private let user: User
    private let folder: TemporaryFolder

    /// Who starts it.
    package enum User: Sendable {
        case current
        /// An ordinary user without any privilege; the programs are copied to where that user may run them.
        case ordinary(programs: String)
    }
    package static let ordinaryID = 65534

    package var kubeconfig: String { state + "/admin.kubeconfig" }
    package func client() async throws -> Client { try await Programs.client(kubeconfig) }

    /// Starts a cluster, runs `body` on it and removes it. There is one local cluster on a machine at a time, so others
    /// that come here wait.
    /// - Throws: `Taken` when somebody else's cluster runs.
    package static func run(
        nodes: Int = 3, options: [String] = ["--demo"], as user: User = .current,
        _ body: (LocalCluster) async throws -> Void
    ) async throws {
        let lock = try await takeLock()
        defer { close(lock) }
        if access("/run/kotohajime/cluster.json", F_OK) == 0 {
            throw Taken()
        }
        let folder = TemporaryFolder(below: "/var/tmp")
        let cluster = LocalCluster(state: folder.path + "/state", user: user, folder: folder)
        if case .ordinary = user { chown(folder.path, uid_t(ordinaryID), gid_t(ordinaryID)) }
        do {
            try await cluster.kconsole(["up", "--nodes", "\(nodes)", "--detach"] + options, within: .seconds(90))
            try await body(cluster)
        } catch {
            let logs = await cluster.lastWords()
            _ = try? await cluster.kconsole(["down", "--purge"])
            throw Shell.Failed(description: "\(error)\n\(logs)")
        }
        try await cluster.kconsole(["down", "--purge"])
    }

    /// Runs `kconsole` for this cluster.
    /// - Throws: what it said when it fails.
    @discardableResult
    package func kconsole(_ words: [String], input: String = "", within limit: Duration = .seconds(60)) async throws
        -> String
    {
        let finished = try await run(words, input: input, within: limit)
        guard finished.code == 0 else {
            throw Shell.Failed(
                description: "kconsole \(words.joined(separator: " ")) ended with \(finished.code): \(finished.output)"
                    + finished.errors)
        }
        return finished.output
    }

    package func run(_ words: [String], input: String = "", within limit: Duration = .seconds(60)) async throws
        -> Finished
    {
        var words = words
        if ["up", "down"].contains(words[0]) { words += ["--state", state] }
        let environment = ["KUBECONFIG": "", "HOME": folder.path, "XDG_STATE_HOME": folder.path]
        switch user {
        case .current:
            return try await Shell.run(
                Programs.path("kconsole"), words, environment: environment, input: input, within: limit)
        case .ordinary(let programs):
            let id = "\(LocalCluster.ordinaryID)"
            return try await Shell.run(
                "setpriv",
                ["--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", "\(programs)/kconsole"] + words,
                environment: environment, input: input, within: limit)
        }
    }

    @discardableResult
    package func kubectl(_ words: [String], input: String = "", within limit: Duration = .seconds(60)) async throws
        -> String
    {
        guard let kubectl = Programs.kubectl else { throw Shell.Failed(description: "kubectl is not installed") }
        return try await Shell.output(
            kubectl, ["--kubeconfig", kubeconfig] + words, environment: ["HOME": folder.path], input: input,
            within: limit)
    }

    /// The process that a file of the run folder names.
    package func process(_ name: String) throws -> pid_t {
        let text = Shell.text("\(state)/run/\(name).pid")
        guard let id = text.split(separator: " ").first.flatMap({ pid_t($0) }) else {
            throw Shell.Failed(description: "no process of \(name) is known")
        }
        return id
    }

    /// Waits until the demo's `web` pods are ready, and returns them.
    @discardableResult
    package func webPods(_ count: Int = 5, within limit: Duration = .seconds(60)) async throws -> [Pod] {
        let client = try await client()
        return try await eventually("\(count) ready web pods", within: limit) {
            let pods = try await client.list(
                Pod.self, namespace: "default", labels: LabelSelector(equal: ["app": "web"]))
            let ready = pods.items.filter { $0.isReady && !$0.metadata.isDeleting }
            return ready.count == count && pods.items.count == count ? ready : nil
        }
    }

    /// Whether the demo's `web` service has `count` ready pods, none on `node`, and names just those.
    package func hasLeft(_ node: String, pods count: Int) async throws -> Bool {
        let client = try await client()
        let pods = try await client.list(
            Pod.self, namespace: "default", labels: LabelSelector(equal: ["app": "web"])
        ).items
        let ready = pods.filter { $0.isReady && !$0.metadata.isDeleting && $0.spec.nodeName != node }
        guard ready.count == count else { return false }
        let slices = try await client.list(
            EndpointSlice.self, namespace: "default", labels: LabelSelector(equal: [EndpointSlice.serviceLabel: "web"])
        ).items
        let serving = slices.flatMap { $0.json["endpoints"].items }
            .filter { $0["conditions"]["ready"].bool ?? true }.compactMap { $0["addresses"][0].string }
        return Set(serving) == Set(ready.map(\.status.podIP))
    }

    private func lastWords() async -> String {
        let logs = (try? FileManager.default.contentsOfDirectory(atPath: state + "/logs")) ?? []
        return logs.sorted().map { "--- \($0)\n" + Shell.text("\(state)/logs/\($0)").suffix(1500) }
            .joined(separator: "\n")
    }

    private static func takeLock() async throws -> Int32 {
        let lock = open("/tmp/kotohajime-cluster.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard lock >= 0 else { throw Shell.Failed(description: "the lock of local clusters can not be opened") }
        return try await eventually("the machine's one local cluster is free", within: .seconds(600)) {
            flock(lock, LOCK_EX | LOCK_NB) == 0 ? lock : nil
        }
    }
}
