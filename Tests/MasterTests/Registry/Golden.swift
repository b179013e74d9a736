import Glibc
import Shared
import TestKit

@testable import Master

/// Answers of a real API server, one JSON object a line, in the folder `../shared/golden` beside the package. Tests that
/// need them are skipped where it is absent.
enum Golden {
    static func lines(_ file: String) -> [JSON] {
        let folder = SharedData.folder + "/golden"
        guard let stream = fopen("\(folder)/\(file)", "r") else { return [] }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&chunk, 1, chunk.count, stream)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { try? JSON(parsing: Array($0)) }
    }
    static func has(_ file: String) -> Bool {
        let folder = SharedData.folder + "/golden"
        return access("\(folder)/\(file)", R_OK) == 0
    }
}

/// Counts by topic, printed as a table.
struct PassRate {
    private var counts: [String: (passed: Int, all: Int)] = [:]
    private(set) var failures: [String] = []

    mutating func note(_ topic: String, _ passed: Bool, _ what: @autoclosure () -> String) {
        var count = counts[topic] ?? (0, 0)
        count.all += 1
        if passed { count.passed += 1 } else { failures.append(what()) }
        counts[topic] = count
    }
    var passed: Int { counts.values.reduce(0) { $0 + $1.passed } }
    var all: Int { counts.values.reduce(0) { $0 + $1.all } }
    var share: Double { all == 0 ? 0 : Double(passed) / Double(all) }
    var summary: String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.passed)/\($0.value.all)" }.joined(separator: "\n")
            + "\ntotal \(passed)/\(all)"
    }
}
