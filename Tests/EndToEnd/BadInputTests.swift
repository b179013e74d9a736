import Foundation
import Shared
import TestKit
import Testing

/// What users and machines get wrong: each is answered with one sentence that helps.
struct BadInputTests {
    /// Where pods without namespaces and their services live.
    private static let processNetworks = ["--pod-cidr", "127.112.0.0/16", "--service-cidr", "127.96.0.0/16"]

    @Test func `a wrong manifest is told with file, document, line and field`() async throws {
        let folder = TemporaryFolder()
        let master = try MasterProcess(state: folder.path + "/state")
        _ = try await master.client()
        func apply(_ text: String) async throws -> Finished {
            let file = folder.path + "/wrong.yaml"
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            return try await Shell.run(
                Programs.path("kconsole"), ["--kubeconfig", master.kubeconfig, "apply", "-f", file])
        }
        let good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n---\n"

        let broken = try await apply(good + "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n name: b\n")
        #expect(broken.code == 1)
        #expect(broken.errors.contains("wrong.yaml"), "\(broken.errors)")
        #expect(broken.errors.contains("line 9") || broken.errors.contains(":9"), "\(broken.errors)")

        let kind = try await apply(good + "apiVersion: apps/v1\nkind: Deploiment\nmetadata: {name: a}\n")
        #expect(kind.code == 1)
        #expect(kind.errors.contains("Deploiment") && kind.errors.contains("Deployment"), "\(kind.errors)")

        let field = try await apply(
            good
                + "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80}]\n  selektor: {a: b}\n"
        )
        #expect(field.code == 1)
        #expect(field.errors.contains("wrong.yaml") && field.errors.contains("selektor"), "\(field.errors)")

        let value = try await apply(
            good + "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80000}]\n")
        #expect(value.code == 1)
        #expect(value.errors.contains("spec.ports[0].port"), "\(value.errors)")
        try await master.end()
    }

    @Test func `without a cluster every command says how to get one`() async throws {
        let folder = TemporaryFolder()
        if access("/run/kotohajime/cluster.json", F_OK) == 0 {
            try Test.cancel("SKIPPED: a cluster runs on this machine")
        }
        let none = try await Shell.run(
            Programs.path("kconsole"), ["get", "pods"],
            environment: ["HOME": folder.path, "XDG_STATE_HOME": folder.path, "KUBECONFIG": ""])
        #expect(none.code == 1)
        #expect(none.errors.contains("kconsole up"), "\(none.errors)")
        #expect(none.errors.split(separator: "\n").count == 1)
    }

    @Test func `wrong words end with 2 and every program has help`() async throws {
        for program in ["kmaster", "kagent", "kconsole"] {
            let help = try await Shell.run(Programs.path(program), ["--help"])
            #expect(help.code == 0)
            #expect(help.output.contains(program))
            let wrong = try await Shell.run(Programs.path(program), ["--no-such-flag"])
            #expect(wrong.code == 2, "\(program)")
            #expect(wrong.errors.contains("no-such-flag"), "\(wrong.errors)")
        }
    }

    @Test func `a second agent of one name is told so, and the first goes on`() async throws {
        let folder = TemporaryFolder(below: "/var/tmp")
        let master = try MasterProcess(state: folder.path + "/state", options: Self.processNetworks)
        let client = try await master.client()
        func agent(_ number: Int) throws -> Background {
            let log = "\(folder.path)/agent-\(number).log"
            return try Background(
                Programs.path("kagent"),
                [
                    "--server", "https://127.0.0.1:\(master.port)", "--token-file", master.state + "/join-token",
                    "--ca-file", master.state + "/pki/ca.crt", "--name", "twin", "--runtime", "process", "--state",
                    "\(folder.path)/agent-\(number)", "--address", "127.100.7.\(number)",
                ], environment: ["PATH": "/usr/bin:/bin"], output: log, errors: log)
        }
        let first = try agent(1)
        try await becomes("the node is ready") {
            (try? await client.get(Node.self, name: "twin"))?.isReady ?? false
        }
        let second = try agent(2)
        let said = try await eventually("the second agent says why it can not be") { () -> String? in
            let text = Shell.text("\(folder.path)/agent-2.log")
            return text.contains("twin") && (second.look() != nil || text.contains("another")) ? text : nil
        }
        #expect(said.contains("twin"), "\(said)")
        #expect(first.look() == nil)
        #expect(try await client.get(Node.self, name: "twin").address("InternalIP") == "127.100.7.1")
        try await second.end()
        try await first.end()
        try await master.end()
    }

    @Test func `an image whose registry can not be reached says so at once`() async throws {
        let folder = TemporaryFolder(below: "/var/tmp")
        let master = try MasterProcess(state: folder.path + "/state", options: Self.processNetworks)
        let client = try await master.client()
        let log = folder.path + "/agent.log"
        let agent = try Background(
            Programs.path("kagent"),
            [
                "--server", "https://127.0.0.1:\(master.port)", "--token-file", master.state + "/join-token",
                "--ca-file", master.state + "/pki/ca.crt", "--name", "lonely", "--runtime", "process", "--state",
                folder.path + "/agent", "--address", "127.100.8.1",
            ], environment: ["PATH": "/usr/bin:/bin"], output: log, errors: log)
        try await becomes("the node is ready") {
            (try? await client.get(Node.self, name: "lonely"))?.isReady ?? false
        }
        _ = try await client.create(
            Pod([
                "kind": "Pod", "apiVersion": "v1", "metadata": ["name": "far", "namespace": "default"],
                "spec": ["containers": [["name": "c", "image": "127.0.0.1:9/far:1"]]],
            ]))
        try await becomes("the pod says which registry it waits for") {
            let pod = try await client.get(Pod.self, namespace: "default", name: "far")
            let waiting = pod.json.at("status", "containerStatuses")[0]["state"]["waiting"]
            return ["ErrImagePull", "ImagePullBackOff"].contains(waiting["reason"].string)
                && waiting["message"].string?.contains("127.0.0.1:9") ?? false
        }
        _ = try await client.delete(Pod.self, namespace: "default", name: "far")
        try await becomes("the agent has let go of the pod") { try await client.list(Pod.self).items.isEmpty }
        try await agent.end()
        try await master.end()
    }
}
