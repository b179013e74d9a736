import Dispatch
import Glibc
import Shared
import Synchronization

/// `--audit-log FILE`: a JSON line for every change that was asked for: who, what, from where, outcome, revision. Never
/// a value of an object. A class: it owns the file.
///
/// Requests do not wait for the file: lines gather in memory, `Limits.auditLinesMax` at most, and a thread of its own
/// writes them; lines above that are dropped and counted in the next line that is written.
final class AuditLog: Sendable {
    struct Entry: Sendable {
        let time: Timestamp
        let user: User
        /// Who acted as the user; nil when he spoke for himself.
        let actor: String?
        let source: String
        let agent: String
        let info: RequestInfo
        let name: String
        let code: Int
        /// Why it was refused.
        let reason: String
        let isDryRun: Bool
        let revision: Revision?
    }

    private struct State {
        var lines: [[UInt8]] = []
        var dropped = 0
        var isWriting = false
    }
    private struct File {
        var descriptor: Int32 = -1
        var size = 0
    }
    private let path: String
    /// Bytes above which the file is put aside.
    private let sizeMax: Int
    /// Files that are kept beside it, `FILE.1` being the newest.
    private let keptMax: Int
    private let log: Log
    private let state = Mutex(State())
    private let file: Mutex<File>
    // A thread of its own, since a disk may block.
    private let writing = DispatchQueue(label: "audit")

    /// - Throws: a sentence when the file can not be written.
    init(path: String, sizeMax: Int, keptMax: Int, log: Log) throws {
        self.path = path
        self.sizeMax = sizeMax
        self.keptMax = keptMax
        self.log = log
        let descriptor = AuditLog.open(path)
        guard descriptor >= 0 else {
            throw UsageError(
                "the audit log \(path) can not be written (\(String(cString: strerror(errno)))); choose another with --audit-log"
            )
        }
        file = Mutex(File(descriptor: descriptor, size: AuditLog.size(descriptor)))
    }

    deinit { file.withLock { _ = close($0.descriptor) } }

    private static func open(_ path: String) -> Int32 {
        Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    }
    private static func size(_ descriptor: Int32) -> Int {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 ? Int(facts.st_size) : 0
    }

    // MARK: What is noted

    /// Whether a request is a change that is noted. Leases and events are the pulse of the cluster, not changes.
    static func concerns(_ info: RequestInfo) -> Bool {
        guard info.isResource else { return false }
        switch info.verb {
        case "create", "update", "patch", "delete", "deletecollection": break
        default: return false
        }
        return !["leases", "events"].contains(info.resource) && !info.group.hasPrefix("auth")
    }

    func note(_ entry: Entry) {
        let line = entry.line
        let starts = state.withLock { state in
            guard state.lines.count < Limits.auditLinesMax else {
                state.dropped += 1
                return false
            }
            state.lines.append(line)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if starts { writing.async { self.drain() } }
    }

    /// Returns when all that was noted before is in the file. Blocks.
    func flush() { writing.sync {} }

    // MARK: Writing

    private func drain() {
        while true {
            let lines: [[UInt8]] = state.withLock { state in
                var lines = state.lines
                state.lines = []
                if state.dropped > 0 {
                    let gap: JSON = ["dropped": JSON(state.dropped)]
                    lines.append(gap.encoded + [UInt8(ascii: "\n")])
                    state.dropped = 0
                }
                state.isWriting = !lines.isEmpty
                return lines
            }
            if lines.isEmpty { return }
            file.withLock { write(Array(lines.joined()), to: &$0) }
        }
    }

    private func write(_ bytes: [UInt8], to file: inout File) {
        if file.size > 0, file.size + bytes.count > sizeMax { rotate(&file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file.descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let why = String(cString: strerror(errno))
                return log.error("lines of the audit log are lost; free space or give another file", ("error", why))
            }
            rest = rest.dropFirst(count)
        }
        file.size += bytes.count
    }

    /// FILE becomes FILE.1, FILE.1 becomes FILE.2, and so on; the oldest goes.
    private func rotate(_ file: inout File) {
        for number in stride(from: keptMax - 1, to: 0, by: -1) { rename("\(path).\(number)", "\(path).\(number + 1)") }
        if keptMax > 0 { rename(path, "\(path).1") } else { unlink(path) }
        let fresh = AuditLog.open(path)
        guard fresh >= 0 else { return }
        close(file.descriptor)
        file = File(descriptor: fresh, size: AuditLog.size(fresh))
    }
}

extension AuditLog.Entry {
    fileprivate var line: [UInt8] {
        var members = JSON.Members([
            ("time", .string(time.rfc3339Nano)), ("user", .string(user.name)), ("groups", JSON(user.groups)),
        ])
        func add(_ key: String, _ text: String) { if !text.isEmpty { members.append(key, .string(text)) } }
        add("actor", actor ?? "")
        add("from", source)
        add("agent", agent)
        add("verb", info.verb)
        add("group", info.group)
        add("resource", info.resource)
        add("subresource", info.subresource)
        add("namespace", info.namespace)
        add("name", name)
        if isDryRun { members.append("dryRun", true) }
        members.append("code", JSON(code))
        members.append("outcome", code < 300 ? "done" : code == 401 || code == 403 ? "denied" : "failed")
        add("reason", reason)
        if let revision { members.append("revision", .string(revision.description)) }
        return JSON.object(members).encoded + [UInt8(ascii: "\n")]
    }
}

/// What a change learns on its way that its audit line tells. A class: the handler writes, the chain reads.
final class AuditTrail: Sendable {
    private let facts = Mutex<(name: String, revision: Revision?)>(("", nil))

    /// Notes what a write has stored.
    func note(_ stored: Stored) { facts.withLock { $0 = (stored.key.name, stored.revision) } }
    var name: String { facts.withLock { $0.name } }
    var revision: Revision? { facts.withLock { $0.revision } }
}

extension Limits {
    /// Lines of the audit log that wait for the disk; more are dropped and counted.
    static let auditLinesMax = 20_000
}
