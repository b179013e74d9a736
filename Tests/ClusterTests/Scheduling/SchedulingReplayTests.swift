import Shared
import TestKit
import Testing

/// The real scheduler's decisions, replayed. Pass rates are printed by mode.
struct SchedulingReplayTests {
    @Test(.enabled(if: !SchedulingRecording.all().isEmpty))
    func `pods are placed as the real scheduler places them`() async throws {
        var rates: [String: (passed: Int, all: Int)] = [:]
        var failures: [String] = []
        for recording in SchedulingRecording.all() where !recording.isOutdated {
            let differences: [String]
            do { differences = try await SchedulingReplay.run(recording) } catch {
                differences = ["it ended with \(error)"]
            }
            rates[recording.mode, default: (0, 0)].all += 1
            if differences.isEmpty {
                rates[recording.mode, default: (0, 0)].passed += 1
            } else {
                failures.append("\(recording)\n    " + differences.joined(separator: "\n    "))
            }
        }
        for (mode, rate) in rates.sorted(by: { $0.key < $1.key }) {
            print("scheduler \(mode): \(rate.passed) of \(rate.all)")
        }
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }
}
