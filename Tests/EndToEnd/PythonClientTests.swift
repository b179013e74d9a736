import Foundation
import Shared
import TestKit
import Testing

/// The Python client of Kubernetes, unchanged, against the built programs: create, read, update, delete, watch, exec,
/// server-side apply and port-forward. Skipped with a sentence where pip can not fetch it.
struct PythonClientTests {
    @Test func `the Python client works`() async throws {
        guard let python = Shell.find("python3") else {
            try Test.cancel("SKIPPED: python3 is not installed")
        }
        let folder = TemporaryFolder()
        let made = try await Shell.run(
            python, ["-m", "venv", folder.path + "/venv"], within: .seconds(120))
        let pip = try await Shell.run(
            made.code == 0 ? folder.path + "/venv/bin/pip" : "false",
            ["install", "--quiet", "kubernetes"],
            within: .seconds(180))
        guard made.code == 0, pip.code == 0 else {
            try Test.cancel(
                "SKIPPED: the Python client can not be installed: \(made.errors)\(pip.errors.suffix(300))")
        }
        try await LoopbackCluster.with { cluster in
            let finished = try await Shell.run(
                folder.path + "/venv/bin/python", [MatrixStep.folder + "/client.py"],
                environment: ["KUBECONFIG": cluster.kubeconfig], within: .seconds(180))
            #expect(finished.code == 0, "\(finished.output)\(finished.errors)")
            let done = finished.lines.filter { $0.hasPrefix("ok ") }.map { String($0.dropFirst(3)) }
            #expect(
                done == [
                    "create", "read", "list", "patch", "replace", "watch", "logs", "exec", "exec-code",
                    "stdin", "port-forward", "apply", "conflict", "delete",
                ])
        }
    }
}
