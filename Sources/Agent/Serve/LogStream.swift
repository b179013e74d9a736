import CLinux
import Glibc
import Shared

/// Reads a container's log file as it grows, also over a rotation, and writes the lines that the options ask for.
///
/// The file is in CRI format: `TIME STREAM F|P TEXT`; a part `P` is joined to what follows by leaving out its line
/// break. Rotated files are `PATH.1`, `PATH.2` …, the latest first. Source: Kubernetes CRI logging.
final class LogStream {
    private let path: String
    private let options: LogOptions
    private var file: Int32 = -1
    private var partial: [UInt8] = []
    private var written = 0
    /// The last record was a part of a longer line.
    private var isInLine = false

    init(path: String, options: LogOptions) {
        self.path = path
        self.options = options
    }
    deinit { if file >= 0 { close(file) } }

    /// The bound on bytes is reached.
    var isFull: Bool { options.bytesMax.map { written >= $0 } ?? false }

    /// Writes what the log holds now: all of it, or its last lines.
    func start(_ writer: BodyWriter) async throws {
        var records: [ArraySlice<UInt8>] = []
        let old = LogStream.rotated(path)
        open()
        if let tail = options.tail {
            // From the newest file backwards until there are enough lines.
            var lines = readAll(file)
            var older = old.makeIterator()
            while LogStream.ends(lines) < tail, let next = older.next() { lines = LogStream.records(of: next) + lines }
            records = LogStream.last(tail, of: lines.map { $0[...] })
        } else {
            for file in old.reversed() { try await write(LogStream.records(of: file).map { $0[...] }, writer) }
            records = readAll(file).map { $0[...] }
        }
        try await write(records, writer)
    }

    /// Writes what has been added since; goes on with the new file after a rotation.
    func poll(_ writer: BodyWriter) async throws {
        try await write(readAll(file).map { $0[...] }, writer)
        guard LogStream.isRotated(file, path) else { return }
        // Nothing more is written to the old file once the new one exists.
        try await write(readAll(file).map { $0[...] }, writer)
        close(file)
        open()
        try await write(readAll(file).map { $0[...] }, writer)
    }

    private func open() { file = clinux_open(path, O_RDONLY | O_CLOEXEC, 0) }

    /// The complete records that the file has gained.
    private func readAll(_ file: Int32) -> [[UInt8]] {
        guard file >= 0 else { return [] }
        var records: [[UInt8]] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &room, room.count)
            if count <= 0 { return records }
            partial += room[..<count]
            records += LogStream.cut(&partial)
            if records.count > Limits.logRecordsMax { records.removeFirst(records.count - Limits.logRecordsMax) }
        }
    }

    /// Takes the complete records off the front of `bytes`.
    private static func cut(_ bytes: inout [UInt8]) -> [[UInt8]] {
        var records: [[UInt8]] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            records.append(Array(bytes[start..<end]))
            start = end + 1
        }
        bytes.removeFirst(start)
        return records
    }

    private static func records(of path: String) -> [[UInt8]] {
        guard var bytes = try? PrivateFile.read(path) else { return [] }
        return cut(&bytes)
    }

    /// The rotated files that exist, the latest first.
    private static func rotated(_ path: String) -> [String] {
        Array((1...9).map { "\(path).\($0)" }.prefix { access($0, R_OK) == 0 })
    }

    private static func isRotated(_ file: Int32, _ path: String) -> Bool {
        var here = stat()
        var there = stat()
        guard stat(path, &there) == 0 else { return false }
        return file < 0 || fstat(file, &here) != 0 || here.st_ino != there.st_ino
    }

    /// How many whole lines the records make.
    private static func ends(_ records: [[UInt8]]) -> Int { records.count { LogRecord($0[...])?.isWhole ?? false } }

    /// The records of the last `count` lines.
    private static func last(_ count: Int, of records: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>] {
        guard count > 0 else { return [] }
        var lines = 0
        for index in records.indices.reversed() where LogRecord(records[index])?.isWhole ?? true {
            lines += 1
            if lines > count { return Array(records[(index + 1)...]) }
        }
        return records
    }

    private func write(_ records: [ArraySlice<UInt8>], _ writer: BodyWriter) async throws {
        var output: [UInt8] = []
        for bytes in records {
            guard let record = LogRecord(bytes) else { continue }
            if let since = options.since, let time = Timestamp(rfc3339: record.time), time < since { continue }
            if options.showsTimes, !isInLine { output += Array("\(record.time) ".utf8) }
            output += record.text
            if record.isWhole { output.append(UInt8(ascii: "\n")) }
            isInLine = !record.isWhole
            if output.count > 262_144 {
                try await send(&output, writer)
                if isFull { return }
            }
        }
        try await send(&output, writer)
    }

    private func send(_ output: inout [UInt8], _ writer: BodyWriter) async throws {
        if let most = options.bytesMax, written + output.count > most {
            output = Array(output.prefix(max(0, most - written)))
        }
        if output.isEmpty { return }
        written += output.count
        try await writer.write(output)
        output = []
    }
}

/// One record of a CRI log.
struct LogRecord: Equatable {
    let time: String
    /// The record ends its line.
    let isWhole: Bool
    let text: ArraySlice<UInt8>

    /// Nil for bytes that are no record.
    init?(_ bytes: ArraySlice<UInt8>) {
        let space = UInt8(ascii: " ")
        guard let first = bytes.firstIndex(of: space), let second = bytes[(first + 1)...].firstIndex(of: space),
            let third = bytes[(second + 1)...].firstIndex(of: space)
        else { return nil }
        time = String(decoding: bytes[..<first], as: UTF8.self)
        isWhole = bytes[(second + 1)..<third].first == UInt8(ascii: "F")
        text = bytes[(third + 1)...]
    }
}
