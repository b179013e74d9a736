import Foundation
import Shared
import TestKit
import Testing

/// The commands that change single objects, against a master of their own.
@Suite(.serialized)
struct ChangeCommandTests {
    /// A master with one ConfigMap, and a way to run `kconsole` on it.
    private func with(
        _ body: (_ kconsole: ([String], String) async throws -> Finished, _ kubeconfig: String) async throws -> Void
    )
        async throws
    {
        let folder = TemporaryFolder()
        let master = try MasterProcess(state: folder.path + "/master")
        let client = try await master.client()
        _ = try await client.call(
            "POST", "/api/v1/namespaces/default/configmaps",
            body: ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "colours"], "data": ["sky": "blue"]])
        let kconsole: ([String], String) async throws -> Finished = { words, editor in
            try await Shell.run(
                Programs.path("kconsole"), words + ["--kubeconfig", master.kubeconfig],
                environment: ["KUBE_EDITOR": editor, "HOME": folder.path, "XDG_STATE_HOME": folder.path])
        }
        try await body(kconsole, master.kubeconfig)
        try await master.end()
    }

    @Test func `patch changes fields in three forms and says when nothing changes`() async throws {
        try await with { kconsole, _ in
            func patch(_ words: String...) async throws -> Finished { try await kconsole(["patch"] + words, "false") }
            var done = try await patch("cm", "colours", "-p", #"{"data":{"sky":"red"}}"#)
            #expect(done.output == "configmap/colours patched\n", "\(done.errors)")
            done = try await patch("cm/colours", "-p", "data:\n  sky: red")
            #expect(done.output == "configmap/colours patched (no change)\n", "\(done.errors)")
            done = try await patch(
                "cm", "colours", "--type", "json", "-p", #"[{"op":"add","path":"/data/grass","value":"green"}]"#)
            #expect(done.code == 0, "\(done.errors)")
            done = try await patch(
                "cm", "colours", "--type=merge", "-p", #"{"data":{"sky":null}}"#, "--dry-run=server", "-o",
                "jsonpath={.data}")
            #expect(done.output == #"{"grass":"green"}"#, "\(done.errors)")
            let now = try await kconsole(["get", "cm", "colours", "-o", "jsonpath-as-json={.data}"], "false")
            #expect(
                now.output == """
                    [
                        {
                            "grass": "green",
                            "sky": "red"
                        }
                    ]

                    """)
            for (wrong, code) in [
                (["-p", "[]"], Int32(1)), (["-p", "{"], 1), (["--type", "x", "-p", "{}"], 2), ([], 2),
                (["-p", "{}", "--patch-file", "x"], 2),
            ] {
                let refused = try await kconsole(["patch", "cm", "colours"] + wrong, "false")
                #expect(refused.code == code, "\(wrong): \(refused.errors)")
                #expect(!refused.errors.isEmpty)
            }
        }
    }

    @Test func `edit saves what an editor leaves, and gives it back with the reason when it can not`() async throws {
        try await with { kconsole, _ in
            func edit(_ editor: String) async throws -> Finished {
                try await kconsole(["edit", "cm", "colours"], editor)
            }
            var done = try await edit("sed -i s/blue/grey/")
            #expect(done.output == "configmap/colours edited\n", "\(done.errors)")
            done = try await edit("true")
            #expect(done.code == 0)
            #expect(done.errors.contains("Edit cancelled, no changes made."))
            // A second look shows the reason; the first edit breaks the text, the second mends it.
            done = try await edit(
                "sh -c 'if grep -q \"a key is missing\" \"$0\"; then sed -i \"s/^sky green/  sky: green/\" \"$0\"; "
                    + "else sed -i \"s/^  sky: grey/sky green/\" \"$0\"; fi'")
            #expect(done.output == "configmap/colours edited\n", "\(done.errors)")
            // Who leaves it as it is gives up; the text is kept.
            done = try await edit("sed -i 's/name: colours/name: others/'")
            #expect(done.code == 1)
            #expect(done.errors.contains("can not be edited"), "\(done.errors)")
            let kept = try #require(done.errors.split(separator: " ").last { $0.hasPrefix("/tmp/kconsole-edit-") })
            let path = kept.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(Shell.text(path).contains("name: others"))
            unlink(path)
            let now = try await kconsole(["get", "cm", "colours", "-o", "jsonpath={.data.sky}"], "false")
            #expect(now.output == "green")
        }
    }

    @Test func `explain tells what the server knows of a field`() async throws {
        try await with { kconsole, kubeconfig in
            let told = try await kconsole(["explain", "deploy.spec.strategy.type"], "false")
            #expect(told.output.hasPrefix("GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n"))
            #expect(told.output.contains("ENUM:\n    Recreate\n    RollingUpdate\n"), "\(told.errors)")
            let wrong = try await kconsole(["explain", "pod.spec.container"], "false")
            #expect(wrong.code == 1)
            #expect(wrong.errors.contains("did you mean containers"), "\(wrong.errors)")
            guard let kubectl = Programs.kubectl else { return }
            let theirs = try await Shell.run(
                kubectl, ["explain", "pod.spec.containers", "--kubeconfig", kubeconfig])
            let ours = try await kconsole(["explain", "pod.spec.containers"], "false")
            #expect(ours.output == theirs.output)
        }
    }
}
