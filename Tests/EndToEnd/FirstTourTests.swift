import Foundation
import Shared
import TestKit
import Testing

/// The first tour of README on containers: needs root, and is skipped elsewhere with a sentence.
@Suite(.enabled(if: Programs.isRoot, "needs root: nodes as machines of their own"), .serialized)
struct FirstTourTests {
    /// What the demo's page says of who answers.
    private func answer(_ address: String) async throws -> (pod: String, node: String) {
        let page = try await Shell.output("curl", ["-sS", "--max-time", "5", "http://\(address):30080/"])
        func word(_ name: String) -> String {
            page.split(separator: "\n").first { $0.hasPrefix(name) }
                .map { $0.dropFirst(name.count).drop { $0 == ":" || $0 == " " }.description } ?? ""
        }
        return (word("pod"), word("node"))
    }

    @Test func `the demo answers on every node and on localhost, from several pods on several nodes`() async throws {
        try await LocalCluster.with { cluster in
            try await cluster.webPods()
            let nodes = try await cluster.client().list(Node.self).items
            #expect(nodes.map(\.name) == ["node-1", "node-2", "node-3"])
            for address in nodes.map({ $0.address("InternalIP") }) + ["127.0.0.1"] {
                var pods: Set<String> = [], machines: Set<String> = []
                for _ in 0..<12 {
                    let (pod, node) = try await answer(address)
                    pods.insert(pod)
                    machines.insert(node)
                }
                #expect(pods.count > 1, "\(address) was answered by \(pods)")
                #expect(machines.count > 1, "\(address) was answered from \(machines)")
                #expect(!pods.contains(""))
            }
        }
    }

    @Test func `a crashed program runs again, a lost machine's pods run elsewhere, and the service follows`()
        async throws
    {
        try await LocalCluster.with { cluster in
            try await cluster.webPods()
            let client = try await cluster.client()
            // The program ends in the middle of its answer.
            _ = try await Shell.run("curl", ["-sS", "--max-time", "5", "http://127.0.0.1:30080/crash"])
            try await becomes("one crashed container runs again") {
                let pods = try await client.list(
                    Pod.self, namespace: "default", labels: LabelSelector(equal: ["app": "web"])
                ).items
                let again = pods.filter {
                    let status = $0.json.at("status", "containerStatuses")[0]
                    return status["restartCount"].int == 1 && status["ready"].bool == true
                        && status["lastState"]["terminated"]["exitCode"].int == 1
                }
                return again.count == 1
            }
            try await cluster.webPods()

            try await cluster.kconsole(["node", "kill", "node-2"])
            try await becomes("all web pods are ready on the other nodes, and no endpoint is lost") {
                try await cluster.hasLeft("node-2", pods: 5)
            }
            for _ in 0..<10 { #expect(try await answer("127.0.0.1").node != "node-2") }

            try await cluster.kconsole(["node", "start", "node-2"])
            try await becomes("nothing of its former life is left on node-2") {
                let pods = try await client.list(Pod.self).items
                return pods.allSatisfy { !$0.metadata.isDeleting }
            }
        }
    }

    @Test func `pods keep their processes when their agent is killed`() async throws {
        try await LocalCluster.with(nodes: 1) { cluster in
            try await cluster.webPods()
            let agent = try cluster.process("node-1")
            let before = try await samples()
            kill(agent, SIGKILL)
            try await cluster.kconsole(["up", "--detach"])
            #expect(try cluster.process("node-1") != agent)
            try await cluster.webPods()
            let after = try await samples()
            #expect(before.count >= 5)
            #expect(before == after)
            let restarts = try await cluster.webPods().map {
                $0.json.at("status", "containerStatuses")[0]["restartCount"].int
            }
            #expect(restarts.allSatisfy { $0 == 0 })
        }
    }

    /// The process ids of the demo's web servers.
    private func samples() async throws -> Set<Substring> {
        Set(try await Shell.run("pgrep", ["-f", "kagent sample web"]).lines)
    }

    @Test func `a pod of root reaches neither the state folder nor another pod's secret`() async throws {
        try await LocalCluster.with(nodes: 1, options: []) { cluster in
            let manifest = """
                {"kind":"Secret","apiVersion":"v1","metadata":{"name":"other"},"stringData":{"word":"schluessel"}}
                ---
                {"kind":"Pod","apiVersion":"v1","metadata":{"name":"owner"},"spec":{"containers":[{"name":"c",
                 "image":"localhost/host","command":["sleep","1000"],"volumeMounts":[{"name":"s","mountPath":"/s"}]}],
                 "volumes":[{"name":"s","secret":{"secretName":"other"}}]}}
                ---
                {"kind":"Pod","apiVersion":"v1","metadata":{"name":"guest"},"spec":{"containers":[{"name":"c",
                 "image":"localhost/host","command":["sleep","1000"]}]}}
                """
            try await cluster.kubectl(["create", "-f", "-"], input: manifest)
            try await cluster.kubectl(["wait", "--for=condition=Ready", "pod/owner", "pod/guest", "--timeout=30s"])
            #expect(try await cluster.kubectl(["exec", "owner", "--", "cat", "/s/word"]) == "schluessel")
            let search =
                "cat \(cluster.kubeconfig) /etc/shadow /root/.* 2>/dev/null; ls -A /root /home /var/lib/kotohajime 2>/dev/null;"
                + " grep -rl schluessel /proc/[0-9]*/environ /run /tmp /var /etc /s 2>/dev/null; echo searched"
            let found = try await cluster.kubectl(["exec", "guest", "--", "sh", "-c", search])
            #expect(found.split(separator: "\n").filter { !$0.hasSuffix(":") } == ["searched"], "\(found)")
        }
    }

    @Test func `down leaves nothing behind, and up brings the objects back`() async throws {
        let before = try await traces()
        try await LocalCluster.with { cluster in
            try await cluster.webPods()
            try await cluster.kubectl(["create", "configmap", "kept", "--from-literal=a=b"])
            let pods = Set(try await cluster.webPods().map(\.name))
            try await cluster.kconsole(["down"])
            #expect(try await traces() == before)
            try await cluster.kconsole(["up", "--detach"])
            #expect(try await cluster.kubectl(["get", "configmap", "kept", "-o", "jsonpath={.data.a}"]) == "b")
            #expect(Set(try await cluster.webPods().map(\.name)) == pods)
        }
        #expect(try await traces() == before)
    }

    @Test func `after a power cut up brings the objects back`() async throws {
        let before = try await traces()
        try await LocalCluster.with { cluster in
            try await cluster.webPods()
            try await cluster.kubectl(["create", "configmap", "kept", "--from-literal=a=b"])
            try await killAll(cluster)
            try await cluster.kconsole(["up", "--detach"])
            #expect(try await cluster.kubectl(["get", "configmap", "kept", "-o", "jsonpath={.data.a}"]) == "b")
            try await cluster.webPods()
            try await killAll(cluster)
        }
        #expect(try await traces() == before)
    }

    /// Ends everything that runs for the cluster at once, pods too, and cleans nothing.
    private func killAll(_ cluster: LocalCluster) async throws {
        kill(try cluster.process("kmaster"), SIGKILL)
        let pods = "cat $(find /sys/fs/cgroup -path '*/kotohajime/node-*' -name cgroup.procs)"
        let found = try await Shell.run("sh", ["-c", pods]).lines.compactMap { pid_t($0) }
        for id in found where id > 1 { kill(id, SIGKILL) }
    }

    /// What a cluster makes on the machine: links, namespaces, rules, cgroups, mounts, processes that have not ended.
    private func traces() async throws -> [String] {
        var traces: [String] = []
        for command in [
            "ip -o link | awk '{print $2}' | grep -i koto", "ls /run/kotohajime /run/netns 2>/dev/null | grep -v :",
            "nft list tables 2>/dev/null | grep -i koto", "find /sys/fs/cgroup -path '*/kotohajime/node-*' -maxdepth 4",
            "grep -i koto /proc/self/mountinfo",
            "for p in $(grep -lE 'kotohajime/(node-|master)' /proc/[0-9]*/cgroup); do grep -L 'State:.Z' ${p%cgroup}status; done",
        ] {
            traces += try await Shell.run("sh", ["-c", command]).lines.map(String.init)
        }
        return traces.sorted()
    }
}
