import Foundation
import Shared
import TestKit
import Testing

/// A master and two agents of the built programs on loopback addresses of their own, beside any other cluster of this
/// machine. Pods are plain processes, so no privilege is needed. A class: it owns the programs.
final class LoopbackCluster {
    let folder: TemporaryFolder
    private var programs: [(process: Background, log: String)] = []
    var kubeconfig: String { folder.path + "/master/admin.kubeconfig" }
    static let nodes = ["node-1", "node-2"]

    private init() { folder = TemporaryFolder() }

    static func with(_ body: (LoopbackCluster) async throws -> Void) async throws {
        let cluster = LoopbackCluster()
        do {
            try await cluster.start()
            try await body(cluster)
        } catch {
            let words = cluster.programs.map { Shell.text($0.log).suffix(1500) }.joined(
                separator: "\n---\n")
            await cluster.end()
            throw Shell.Failed(description: "\(error)\n\(words)")
        }
        await cluster.end()
    }

    private func run(_ program: String, _ words: [String], log name: String) throws -> Background {
        let log = "\(folder.path)/\(name).log"
        let process = try Background(
            Programs.path(program), words, environment: ProcessInfo.processInfo.environment, output: log,
            errors: log)
        programs.append((process, log))
        return process
    }

    private func start() async throws {
        let state = folder.path + "/master"
        let master = try run(
            "kmaster",
            [
                "--state", state, "--listen", "127.0.0.1:0", "--pod-cidr", "127.113.0.0/16",
                "--service-cidr",
                "127.97.0.0/16",
            ], log: "master")
        let log = folder.path + "/master.log"
        let url = try await eventually("the master serves", within: .seconds(60)) { () -> String? in
            if let code = master.look() { throw Shell.Failed(description: "kmaster ended with \(code)") }
            let line = Shell.text(log).split(separator: "\n").first { $0.hasPrefix("kmaster ready ") }
            return line.map { String($0.split(separator: " ")[2]) }
        }
        // Addresses by this process's number, so that two runs do not meet.
        let id = Int(getpid())
        for (index, name) in Self.nodes.enumerated() {
            let address = "127.\(64 + id % 30).\(id / 30 % 250).\(index + 1)"
            _ = try run(
                "kagent",
                [
                    "--server", url, "--token-file", state + "/join-token", "--ca-file",
                    state + "/pki/ca.crt",
                    "--name", name, "--state", folder.path + "/" + name, "--address", address, "--port", "0",
                    "--runtime", "process",
                ], log: name)
        }
        let client = try await Programs.client(kubeconfig)
        try await becomes("both nodes are ready", within: .seconds(60)) {
            try await client.list(Node.self).items.count { node in
                node.json.at("status", "conditions").items.contains {
                    $0["type"] == "Ready" && $0["status"] == "True"
                }
            } == 2
        }
    }

    /// Pods outlive their agents, so they are deleted first.
    private func end() async {
        if let client = try? await Programs.client(kubeconfig) {
            for pod in (try? await client.list(Pod.self).items) ?? [] {
                _ = try? await client.delete(
                    Pod.self, namespace: pod.namespace, name: pod.name, graceSeconds: 0, uid: pod.metadata.uid
                )
            }
            let folder = folder.path
            try? await becomes("no pod is left on the nodes") {
                Self.nodes.allSatisfy { node in
                    ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(node)/pods")) ?? [])
                        .isEmpty
                }
            }
        }
        for program in programs.reversed() { _ = try? await program.process.end() }
    }
}
