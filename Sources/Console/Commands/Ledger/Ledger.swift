import Glibc
import Shared
import Synchronization

/// What this user changed in clusters, with the objects as they were before and after: the ground of undo. One JSON object
/// a line in a file that only the user can read; values of Secrets are never written.
struct Ledger: Sendable {
    struct Entry: Equatable, Sendable {
        /// Changes of one command or action share it; `undo:GROUP` took back another group.
        let group: String
        let time: Timestamp
        let server: String
        /// Of the object, without subresource.
        let path: String
        let before: JSON?
        let after: JSON?

        var json: JSON {
            var json: JSON = [
                "group": .string(group), "time": .string(time.rfc3339), "server": .string(server),
                "path": .string(path),
            ]
            json.set("before", before)
            json.set("after", after)
            return json
        }

        init(group: String, time: Timestamp, server: String, path: String, before: JSON?, after: JSON?) {
            self.group = group
            self.time = time
            self.server = server
            self.path = path
            self.before = before
            self.after = after
        }
        init?(_ json: JSON) {
            guard let group = json["group"].string, let server = json["server"].string, let path = json["path"].string,
                let time = json["time"].string.flatMap({ Timestamp(rfc3339: $0) })
            else { return nil }
            self.init(
                group: group, time: time, server: server, path: path,
                before: json["before"].object.map(JSON.object), after: json["after"].object.map(JSON.object))
        }
    }

    /// The group of changes made in this task; the command's own when none is set.
    @TaskLocal static var group: String?
    private static let process = "\(getpid())-\(SystemClock().now().nanoseconds)"
    static var currentGroup: String { group ?? process }

    let file: String

    init(file: String) { self.file = file }
    init(_ places: Places) { file = places.ledger }

    /// Adds a line. A ledger that can not be written makes undo impossible, and nothing else.
    func add(_ entry: Entry) {
        var bytes = entry.json.encoded
        if bytes.count > Limits.ledgerEntryBytesMax {
            bytes =
                Entry(
                    group: entry.group, time: entry.time, server: entry.server, path: entry.path, before: nil,
                    after: nil
                ).json.encoded
        }
        bytes.append(0x0A)
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        guard (try? SystemFiles.makeFolder(folder, mode: 0o700)) != nil else { return }
        var status = stat()
        if stat(file, &status) == 0, status.st_size > Limits.ledgerBytesMax { rename(file, file + ".old") }
        let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        StandardBytes.write(bytes, to: descriptor)
        close(descriptor)
    }

    /// All lines, oldest first.
    func entries(of server: String) -> [Entry] {
        guard let text = SystemFiles.text(file) else { return [] }
        return text.split(separator: "\n").compactMap { (try? JSON(parsing: String($0))).flatMap(Entry.init) }
            .filter { $0.server == server }
    }

    /// Groups that can be taken back, the newest first.
    static func undoable(_ entries: [Entry]) -> [(group: String, entries: [Entry])] {
        let taken = Set(entries.map(\.group).filter { $0.hasPrefix("undo:") }.map { String($0.dropFirst(5)) })
        var order: [String] = []
        var groups: [String: [Entry]] = [:]
        for entry in entries where !entry.group.hasPrefix("undo:") && !taken.contains(entry.group) {
            if groups[entry.group] == nil { order.append(entry.group) }
            groups[entry.group, default: []].append(entry)
        }
        return order.reversed().map { ($0, groups[$0] ?? []) }
    }
}

extension Places {
    /// Where the user's changes are noted.
    var ledger: String {
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") {
            return folder + "/kotohajime/ledger.jsonl"
        }
        return (environment["HOME"] ?? "/tmp") + "/.local/state/kotohajime/ledger.jsonl"
    }
}

extension Limits {
    /// Bytes of the ledger after which it begins anew; the former one is kept beside it.
    static let ledgerBytesMax = 16 << 20
    /// Bytes of one change that are kept; of a larger one only that it happened.
    static let ledgerEntryBytesMax = 1 << 20
}
