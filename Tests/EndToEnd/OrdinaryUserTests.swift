import Foundation
import Shared
import TestKit
import Testing

/// The same tour without any privilege: pods are plain processes.
@Suite(.enabled(if: Programs.isRoot, "needs root to become an ordinary user"), .serialized)
struct OrdinaryUserTests {
    @Test func `an ordinary user gets the demo, a crash, a lost machine and services, as processes`() async throws {
        let programs = TemporaryFolder(below: "/var/tmp")
        chmod(programs.path, 0o755)
        for name in ["kmaster", "kagent", "kotoshim", "kconsole"] {
            try FileManager.default.copyItem(atPath: Programs.path(name), toPath: "\(programs.path)/\(name)")
        }
        try await LocalCluster.with(options: ["--demo"], as: .ordinary(programs: programs.path)) { cluster in
            let pods = try await cluster.webPods()
            #expect(Set(pods.map(\.spec.nodeName)).count == 3)
            #expect(pods.allSatisfy { $0.status.podIP.hasPrefix("127.") })
            let owner = try FileManager.default.attributesOfItem(atPath: "/proc/\(try cluster.process("node-1"))")
            #expect(owner[.ownerAccountID] as? Int == LocalCluster.ordinaryID)

            let client = try await cluster.client()
            let addresses = try await client.list(Node.self).items.map { $0.address("InternalIP") }
            for address in addresses {
                let page = try await Shell.output("curl", ["-sS", "--max-time", "5", "http://\(address):30080/"])
                #expect(page.contains("pod:"), "\(address): \(page)")
            }
            _ = try await Shell.run("curl", ["-sS", "--max-time", "5", "http://\(addresses[0]):30080/crash"])
            try await becomes("the crashed program runs again") {
                let pods = try await cluster.webPods()
                let counts = pods.map { $0.json.at("status", "containerStatuses")[0]["restartCount"].int ?? 0 }
                return counts.reduce(0, +) == 1
            }
            try await cluster.kconsole(["node", "kill", "node-2"])
            try await becomes("the web pods run on the other nodes") {
                let pods = try await cluster.webPods()
                return pods.allSatisfy { $0.spec.nodeName != "node-2" }
            }
            try await cluster.kubectl(["scale", "deployment", "web", "--replicas=7"])
            try await cluster.webPods(7)
        }
        let left = try await Shell.run("ps", ["-u", "\(LocalCluster.ordinaryID)", "-o", "stat=,args="])
        let running = left.lines.filter { !$0.hasPrefix("Z") }
        #expect(running.isEmpty, "\(running)")
    }
}
