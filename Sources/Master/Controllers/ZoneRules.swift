import Glibc
import Shared

/// How the clocks of a time zone go: the offsets from UTC in the past, and the rule for the time after.
///
/// Read from the machine's time zone database, so that the whole of Foundation stays out of the master.
/// Source: RFC 9636 (TZif), POSIX 1003.1 section 8.3 (TZ).
struct ZoneRules: Equatable, Sendable {
    static let utc = ZoneRules()
    static let folder = "/usr/share/zoneinfo"

    /// Seconds since the epoch at which an offset begins, ascending, and the offset in seconds east of UTC.
    var changes: [(at: Int64, offset: Int)] = []
    /// Before the first change.
    var firstOffset = 0
    /// After the last change; nil means that its offset stays.
    var rule: ZoneRule?

    static func == (left: ZoneRules, right: ZoneRules) -> Bool {
        left.firstOffset == right.firstOffset && left.rule == right.rule
            && left.changes.map(\.at) == right.changes.map(\.at)
            && left.changes.map(\.offset) == right.changes.map(\.offset)
    }

    /// Seconds east of UTC at a time given in seconds since the epoch.
    func offset(at instant: Int64) -> Int {
        guard let last = changes.last else { return rule?.offset(at: instant) ?? firstOffset }
        if instant >= last.at { return rule?.offset(at: instant) ?? last.offset }
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? firstOffset : changes[low - 1].offset
    }

    /// The zone of a name such as `Asia/Tokyo`.
    /// - Throws: a sentence when there is no such zone, or no database.
    static func named(_ name: String, in folder: String = ZoneRules.folder) throws(Unknown) -> ZoneRules {
        if name == "UTC" || name == "Etc/UTC" { return utc }
        let letters = name.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "/_+-".utf8.contains($0)
        }
        guard !name.isEmpty, name.utf8.count <= Limits.zoneNameCharactersMax, letters, !name.hasPrefix("/") else {
            throw Unknown(message: "unknown time zone \(name)")
        }
        guard let bytes = read("\(folder)/\(name)") else {
            throw Unknown(
                message: access(folder, R_OK) == 0
                    ? "unknown time zone \(name)"
                    : "unknown time zone \(name): this machine has no time zone database; install tzdata")
        }
        guard let rules = ZoneRules(parsing: bytes) else {
            throw Unknown(message: "the time zone \(name) can not be read from \(folder)")
        }
        return rules
    }

    struct Unknown: Error, Equatable { let message: String }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Limits.zoneFileBytesMax)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }
}

extension ZoneRules {
    /// Reads a TZif file of version 2 or later; nil when it is anything else.
    init?(parsing bytes: [UInt8]) {
        guard let old = Header(bytes, at: 0), old.version >= UInt8(ascii: "2"),
            let header = Header(bytes, at: Header.size + old.blockSize(timeSize: 4))
        else { return nil }
        let times = header.start + Header.size
        let kinds = times + header.timeCount * 8
        let types = kinds + header.timeCount
        let end = header.start + Header.size + header.blockSize(timeSize: 8)
        guard end <= bytes.count, header.typeCount > 0 else { return nil }
        func offset(_ type: Int) -> Int? {
            guard type < header.typeCount else { return nil }
            return Int(Int32(truncatingIfNeeded: Header.number(bytes, at: types + type * 6, size: 4)))
        }
        guard let first = offset(0) else { return nil }
        firstOffset = first
        for index in 0..<header.timeCount {
            guard let offset = offset(Int(bytes[kinds + index])) else { return nil }
            let time = Int64(bitPattern: Header.number(bytes, at: times + index * 8, size: 8))
            if let last = changes.last, last.at >= time { return nil }
            changes.append((time, offset))
        }
        let footer = bytes[end...].split(separator: UInt8(ascii: "\n"), maxSplits: 1).first ?? []
        rule = ZoneRule(String(decoding: footer, as: UTF8.self))
    }

    private struct Header {
        static let size = 44
        let start: Int
        let version: UInt8
        let counts: [Int]
        var timeCount: Int { counts[3] }
        var typeCount: Int { counts[4] }

        init?(_ bytes: [UInt8], at start: Int) {
            guard start >= 0, start + Header.size <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8)
            else { return nil }
            self.start = start
            version = bytes[start + 4]
            counts = (0..<6).map { Int(Header.number(bytes, at: start + 20 + $0 * 4, size: 4)) }
            guard counts.allSatisfy({ $0 <= bytes.count }) else { return nil }
        }

        func blockSize(timeSize: Int) -> Int {
            counts[3] * (timeSize + 1) + counts[4] * 6 + counts[5] + counts[2] * (timeSize + 4) + counts[1] + counts[0]
        }

        static func number(_ bytes: [UInt8], at index: Int, size: Int) -> UInt64 {
            bytes[index..<index + size].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}

extension Limits {
    /// Bytes of a file of the time zone database; longer ones are cut and then refused. The longest have 4 kB.
    static let zoneFileBytesMax = 65_536
    static let zoneNameCharactersMax = 100
}
