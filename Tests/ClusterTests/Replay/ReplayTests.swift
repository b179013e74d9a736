import Glibc
import Shared
import TestKit
import Testing

/// Recordings of real controllers, repeated. Without arguments all topics are; `REPLAY=deployment-002` prints the
/// differences of one recording, or of all whose id begins so.
@Suite(.serialized) struct ReplayTests {
    /// How many recordings of each topic are the same at least. Raised as the number rises, never lowered.
    static let floors: [(topic: String, floor: Int)] = [
        ("cronjob", 7), ("daemonset", 20), ("deployment", 50), ("endpoints", 26), ("gc", 12), ("hpa", 4), ("job", 13),
        ("namespace", 1), ("nodelifecycle", 12), ("pdb", 9), ("pvc", 20), ("quota", 6), ("replicaset", 18),
        ("serviceaccount", 4), ("statefulset", 20),
    ]
    private static let chosen = getenv("REPLAY").map { String(cString: $0) }
    private static let recordings = Recording.all()

    @Test(.enabled(if: Golden.has(Recording.file)), arguments: floors)
    func `controllers do what the recorded ones did`(topic: String, floor: Int) async throws {
        var passed = 0
        var old = 0
        var failed: [String] = []
        let chosen = ReplayTests.recordings.filter { $0.topic == topic && $0.id.hasPrefix(ReplayTests.chosen ?? "") }
        for recording in chosen {
            let differences: [String]
            do {
                differences = try await Replay.differences(recording)
            } catch {
                differences = ["\(error)"]
            }
            let isOutdated = recording.isOutdated || Replay.outdated[recording.id] != nil
            if differences.isEmpty { passed += 1 } else if isOutdated { old += 1 } else { failed.append(recording.id) }
            if ReplayTests.chosen != nil {
                print("\(recording): \(differences.isEmpty ? "the same" : "differs")")
                for difference in differences { print("    \(difference)") }
                fflush(nil)
            }
        }
        let rest = failed.isEmpty ? "" : "; not \(failed.joined(separator: " "))"
        print("REPLAY \(topic): \(passed) of \(chosen.count) are the same, \(old) differ by version\(rest)")
        if ReplayTests.chosen == nil { #expect(passed >= floor, "\(topic)") }
    }
}
