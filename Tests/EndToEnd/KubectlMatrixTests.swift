import Foundation
import Shared
import TestKit
import Testing

/// Every installed version of kubectl through the steps of `Matrix/steps.txt` against the built programs.
///
/// The normal run takes three versions; `KOTOHAJIME_MATRIX=all` takes all of them, `KOTOHAJIME_MATRIX=1.30,1.31` those.
@Suite(
    .enabled(if: !Programs.versions.isEmpty, "SKIPPED: no kubectl.1.NN beside kubectl"), .serialized)
struct KubectlMatrixTests {
    private static let wanted: [(name: String, path: String)] = {
        let wish = ProcessInfo.processInfo.environment["KOTOHAJIME_MATRIX"] ?? "1.27,1.29,1.33"
        let names = Set(wish.split(separator: ",").map { "kubectl.\($0)" })
        return Programs.versions.filter { wish == "all" || names.contains($0.name) }
    }()

    @Test func `every version of kubectl can do every step`() async throws {
        let steps = try MatrixStep.all()
        var found: [String: [String: String?]] = [:]
        try await LoopbackCluster.with { cluster in
            let (kubeconfig, folder) = (cluster.kubeconfig, cluster.folder.path)
            let one = { @Sendable (version: (name: String, path: String)) async throws -> [String: String?] in
                var results: [String: String?] = [:]
                for step in steps where step.since <= Int(version.name.split(separator: ".").last ?? "") ?? 0 {
                    results[step.name] = .some(
                        try await step.run(version, kubeconfig: kubeconfig, folder: folder))
                }
                return results
            }
            try await withThrowingTaskGroup(of: (String, [String: String?]).self) { group in
                for version in Self.wanted { group.addTask { (version.name, try await one(version)) } }
                for try await (name, results) in group {
                    for (step, failure) in results { found[step, default: [:]][name] = .some(failure) }
                }
            }
        }
        let names = Self.wanted.map(\.name)
        print("kubectl matrix: " + names.map { String($0.dropFirst(8)) }.joined(separator: " "))
        for step in steps {
            let marks = names.map { found[step.name]?[$0].map { $0 == nil ? "pass" : "FAIL" } ?? "none" }
            print(
                "  " + step.name.padding(toLength: 28, withPad: " ", startingAt: 0)
                    + marks.joined(separator: " "))
        }
        for step in steps {
            for name in names {
                if let failure = found[step.name]?[name], let failure {
                    Issue.record("\(name) \(step.name): \(failure)")
                }
            }
        }
        #expect(found.count == steps.count)
    }
}

/// One line of `Matrix/steps.txt`.
struct MatrixStep: Sendable {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Matrix"
    let name: String
    /// The first minor version that can do it against a server of today.
    let since: Int
    let pattern: String
    let command: String

    static func all() throws -> [MatrixStep] {
        let text = Shell.text(folder + "/steps.txt")
        let steps = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap {
            line -> MatrixStep? in
            let parts = line.components(separatedBy: " ::")
            guard parts.count >= 3 else { return nil }
            let name = parts[0].trimmingCharacters(in: .whitespaces).split(separator: "@")
            return MatrixStep(
                name: String(name[0]), since: name.count > 1 ? Int(name[1]) ?? 0 : 0,
                pattern: parts[1].trimmingCharacters(in: .whitespaces),
                command: parts[2...].joined(separator: " ::").trimmingCharacters(in: .whitespaces))
        }
        try #require(steps.count > 100, "the steps of the matrix are missing")
        return steps
    }

    /// What went wrong, or nil.
    func run(_ version: (name: String, path: String), kubeconfig: String, folder: String) async throws
        -> String?
    {
        let minor = version.name.filter(\.isNumber)
        let own = "\(folder)/m\(minor)"
        try FileManager.default.createDirectory(
            atPath: own + "/home", withIntermediateDirectories: true)
        let values = [
            "NODE": LoopbackCluster.nodes[0], "SPARE": LoopbackCluster.nodes[1], "NS": "m\(minor)",
            "V": minor,
        ]
        var environment = values
        environment.merge([
            "k": version.path, "HERE": Self.folder, "TMP": own, "HOME": own + "/home",
            "KUBECONFIG": kubeconfig,
        ]) { $1 }
        let finished: Finished
        do {
            finished = try await Shell.run(
                "bash", ["-c", "exec 2>&1; set -o pipefail; \(command)"], environment: environment,
                within: .seconds(180))
        } catch {
            return "\(error)"
        }
        var expected = pattern
        for name in ["NODE", "SPARE", "NS", "V"] {
            expected = expected.replacingOccurrences(of: "$" + name, with: values[name] ?? "")
        }
        let mayFail = name.hasPrefix("!")
        let text = finished.output
        let fits =
            expected.isEmpty
            || text.range(of: "(?m)" + expected, options: .regularExpression) != nil
        if (finished.code != 0) == mayFail, fits { return nil }
        return "ended with \(finished.code), wanted /\(expected)/: \(text.suffix(600))"
    }
}
