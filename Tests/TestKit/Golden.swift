import Glibc
package import Shared

/// Answers of a real API server, one JSON object a line, in the folder `../shared/golden` beside the package. Tests that
/// need them are skipped where it is absent.
package enum Golden {
    package static func lines(_ file: String) -> [JSON] { lines(ofFileAt: "\(SharedData.folder)/golden/\(file)") }

    /// The lines of any file; none when it can not be read.
    package static func lines(ofFileAt path: String) -> [JSON] {
        guard let stream = fopen(path, "r") else { return [] }
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
    package static func has(_ file: String) -> Bool { SharedData.has("golden/\(file)") }
}

/// Counts by topic, printed as a table.
package struct PassRate {
    private var counts: [String: (passed: Int, all: Int)] = [:]
    package private(set) var failures: [String] = []

    package init() {}

    package mutating func note(_ topic: String, _ passed: Bool, _ what: @autoclosure () -> String) {
        var count = counts[topic] ?? (0, 0)
        count.all += 1
        if passed { count.passed += 1 } else { failures.append(what()) }
        counts[topic] = count
    }
    package var passed: Int { counts.values.reduce(0) { $0 + $1.passed } }
    package var all: Int { counts.values.reduce(0) { $0 + $1.all } }
    package var share: Double { all == 0 ? 0 : Double(passed) / Double(all) }
    package var summary: String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.passed)/\($0.value.all)" }.joined(separator: "\n")
            + "\ntotal \(passed)/\(all)"
    }
}
