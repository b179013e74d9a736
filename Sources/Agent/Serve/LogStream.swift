import CLinux
import Glibc
import Shared

/// What a reader of a log asks for. Source: core/v1 `PodLogOptions`.
struct LogWish: Equatable, Sendable {
    var follows = false
    var previous = false
    var tailLines: Int?
    var since: Timestamp?
    var withTimes = false
    var bytesMost: Int?

    init(_ query: Query, now: Timestamp) throws(UsageError) {
        follows = query.bool("follow")
        previous = query.bool("previous")
        withTimes = query.bool("timestamps")
        tailLines = try Self.number(query, "tailLines")
        bytesMost = try Self.number(query, "limitBytes")
        if let seconds = try Self.number(query, "sinceSeconds") { since = now - .seconds(seconds) }
        if let text = query["sinceTime"] {
            guard let time = Timestamp(rfc3339: text) else { throw UsageError("sinceTime \"\(text)\" is no RFC 3339 time") }
            since = time
        }
    }

    private static func number(_ query: Query, _ name: String) throws(UsageError) -> Int? {
        guard let text = query[name] else { return nil }
        guard let number = Int(text), (0...Int(Int32.max)).contains(number) else {
            throw UsageError("\(name) takes a number that is not negative, not \"\(text)\"")
        }
        return number
    }
}

extension NodeEndpoint {
    func logs(namespace: String, pod: String, container: String, _ query: Query) async -> HTTPServerReply {
        guard let state = loops.find(namespace: namespace, name: pod) else {
            return Self.refuse(404, "pod \"\(pod)\" not found on this node")
        }
        guard let view = state.allViews.first(where: { $0.name == container }) else {
            return Self.refuse(404, "container \"\(container)\" is not in pod \"\(pod)\"")
        }
        let wish: LogWish
        do { wish = try LogWish(query, now: loops.tools.clock.now()) } catch { return Self.refuse(400, error.description) }
        let folder = "\(loops.tools.logFolder(state.pod))/\(container)"
        let attempts = Files.names(folder).compactMap { name in
            name.hasSuffix(".log") ? Int(name.dropLast(4)) : nil
        }.sorted()
        let newest = view.current?.id.attempt ?? attempts.last
        let wanted = wish.previous ? attempts.last { $0 < newest ?? 0 } : newest
        guard let wanted, attempts.contains(wanted) else {
            if wish.previous {
                return Self.refuse(400, "previous terminated container \"\(container)\" in pod \"\(pod)\" not found")
            }
            let reason = StatusReport(state: state, hostAddress: "", now: loops.tools.clock.now()).container(view)
                .at("state", "waiting", "reason").string
            return Self.refuse(
                400,
                "container \"\(container)\" in pod \"\(pod)\" is waiting to start: \(reason ?? "no logs yet")")
        }
        let uid = state.uid
        let reader = LogReader(path: "\(folder)/\(wanted).log", wish: wish, clock: loops.tools.clock) { [loops] in
            let now = loops.snapshots.first { $0.uid == uid }?.allViews.first { $0.name == container }
            return now?.current?.id.attempt == wanted && now?.isRunning == true
        }
        return .stream(status: 200, headers: ["Content-Type": "text/plain"]) { try await reader.copy(to: $0) }
    }
}

/// Reads one attempt's log, oldest file first, and follows it while the container runs.
struct LogReader: Sendable {
    let path: String
    let wish: LogWish
    let clock: any WallClock
    let isRunning: @Sendable () -> Bool

    func copy(to writer: BodyWriter) async throws {
        var left = wish.bytesMost ?? Int.max
        var skip = try wish.tailLines.map { try countLines() - $0 } ?? 0
        for number in stride(from: Limits.logFilesMax, through: 1, by: -1) {
            let old = "\(path).\(number)"
            guard Files.exists(old) else { continue }
            let file = try LogFileReader(old)
            try await drain(file, to: writer, skip: &skip, left: &left)
        }
        var file = try LogFileReader(path)
        while left > 0 {
            // Asked before reading, so that what was written before the end is read.
            let goesOn = wish.follows && isRunning()
            try await drain(file, to: writer, skip: &skip, left: &left)
            if file.isReplaced {
                try await drain(file, to: writer, skip: &skip, left: &left)
                file = try LogFileReader(path)
                continue
            }
            guard goesOn else { break }
            try await clock.sleep(for: .milliseconds(100))
        }
    }

    private func countLines() throws -> Int {
        var count = 0
        for number in 0...Limits.logFilesMax {
            let name = number == 0 ? path : "\(path).\(number)"
            guard Files.exists(name) else { continue }
            let file = try LogFileReader(name)
            while let lines = try file.lines() { count += lines.count { !(CRILine($0)?.isPartial ?? true) } }
        }
        return count
    }

    private func drain(_ file: LogFileReader, to writer: BodyWriter, skip: inout Int, left: inout Int) async throws {
        while left > 0, let lines = try file.lines() {
            var output: [UInt8] = []
            for line in lines {
                guard let entry = CRILine(line) else { continue }
                if skip > 0 {
                    if !entry.isPartial { skip -= 1 }
                    continue
                }
                if let since = wish.since, let time = Timestamp(rfc3339: String(decoding: entry.time, as: UTF8.self)),
                    time < since
                {
                    continue
                }
                if wish.withTimes { output += entry.time + [0x20] }
                output += entry.content
                if !entry.isPartial { output.append(0x0A) }
            }
            if output.count > left { output = Array(output.prefix(left)) }
            left -= output.count
            if !output.isEmpty { try await writer.write(output) }
        }
    }
}

/// Whole lines of a file that may still grow. A class: it owns the descriptor. For one task.
final class LogFileReader {
    private let file: Int32
    private let path: String
    private var rest: [UInt8] = []

    init(_ path: String) throws(Errno) {
        self.path = path
        file = clinux_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0)
        guard file >= 0 else { throw .last }
    }
    deinit { close(file) }

    /// The lines of the next piece; nil at the present end.
    func lines() throws(Errno) -> [[UInt8]]? {
        let bytes = try Files.read(file, most: 65_536)
        guard !bytes.isEmpty else { return nil }
        rest += bytes
        guard let end = rest.lastIndex(of: 0x0A) else { return [] }
        let lines = rest[..<end].split(separator: 0x0A).map { Array($0) }
        rest = Array(rest[(end + 1)...])
        return lines
    }

    /// The log was rotated: another file has its name now.
    var isReplaced: Bool {
        var own = stat()
        var named = stat()
        guard fstat(file, &own) == 0, stat(path, &named) == 0 else { return false }
        return own.st_ino != named.st_ino
    }
}
