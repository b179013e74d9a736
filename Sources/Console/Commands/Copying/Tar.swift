import Shared

/// The tar format as far as copying folders needs it: files, folders and links with names of any length. Pure.
///
/// Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header".
enum Tar {
    static let block = 512
    /// Two empty blocks end an archive.
    static let end = [UInt8](repeating: 0, count: 2 * block)

    struct Entry: Equatable, Sendable {
        enum Kind: UInt8, Sendable {
            case file = 0x30
            case link = 0x32
            case folder = 0x35
        }
        /// Nil for what is neither: devices, pipes, hard links.
        var kind: Kind?
        var name: String
        var mode: UInt32 = 0o644
        var size = 0
        /// Seconds since 1970.
        var modified = 0
        /// Where a symbolic link points.
        var target = ""
    }

    /// Bytes up to the next whole block.
    static func padding(_ size: Int) -> Int { (block - size % block) % block }

    /// The header of an entry; names that do not fit have an extended header before it.
    static func header(_ entry: Entry) -> [UInt8] {
        var records: [UInt8] = []
        if entry.name.utf8.count > 100 { records += record("path", entry.name) }
        if entry.target.utf8.count > 100 { records += record("linkpath", entry.target) }
        if entry.size > 0o77_777_777_777 { records += record("size", String(entry.size)) }
        var bytes: [UInt8] = []
        if !records.isEmpty {
            bytes += plain(Entry(kind: nil, name: "PaxHeader", size: records.count), type: UInt8(ascii: "x")) + records
            bytes += [UInt8](repeating: 0, count: padding(records.count))
        }
        return bytes + plain(entry, type: entry.kind?.rawValue ?? UInt8(ascii: "0"))
    }

    private static func plain(_ entry: Entry, type: UInt8) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: block)
        func put(_ text: some Sequence<UInt8>, at start: Int, most: Int) {
            for (index, byte) in text.prefix(most).enumerated() { bytes[start + index] = byte }
        }
        func number(_ value: Int, at start: Int, digits: Int) {
            let text = String(max(0, value), radix: 8)
            let fitting = text.count > digits ? String(repeating: "7", count: digits) : text
            put((String(repeating: "0", count: digits - fitting.count) + fitting).utf8, at: start, most: digits)
        }
        put(entry.name.utf8, at: 0, most: 100)
        number(Int(entry.mode & 0o7777), at: 100, digits: 7)
        number(0, at: 108, digits: 7)
        number(0, at: 116, digits: 7)
        number(entry.size, at: 124, digits: 11)
        number(entry.modified, at: 136, digits: 11)
        bytes[156] = type
        put(entry.target.utf8, at: 157, most: 100)
        put("ustar\u{0}00".utf8, at: 257, most: 8)
        // The sum is made with spaces in its own place.
        put(repeatElement(UInt8(ascii: " "), count: 8), at: 148, most: 8)
        number(bytes.reduce(0) { $0 + Int($1) }, at: 148, digits: 6)
        bytes[154] = 0
        return bytes
    }

    /// `LENGTH KEY=VALUE\n`, where the length counts itself.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n".utf8.count
        var length = rest + 1
        while String(length).utf8.count + rest != length { length = String(length).utf8.count + rest }
        return Array("\(length) \(key)=\(value)\n".utf8)
    }
}

/// Reads an archive as it arrives, in pieces of any size.
struct TarReader {
    enum Event: Equatable, Sendable {
        case entry(Tar.Entry)
        /// A part of the last entry's content.
        case content([UInt8])
    }
    private enum State {
        case header
        /// Bytes of content that are still to come, then bytes of padding.
        case content(Int, padding: Int)
        case extended([UInt8], rest: Int, padding: Int, isLongName: Bool)
        case skip(Int)
        case ended
    }
    private var state = State.header
    private var pending: [UInt8] = []
    private var overrides: [String: String] = [:]

    /// - Throws: a sentence when the bytes are no archive.
    mutating func read(_ bytes: [UInt8]) throws(Failure) -> [Event] {
        pending += bytes
        var events: [Event] = []
        var used = 0
        defer { pending.removeFirst(used) }
        while true {
            let left = pending.count - used
            switch state {
            case .ended:
                used = pending.count
                return events
            case .header:
                guard left >= Tar.block else { return events }
                let header = Array(pending[used..<used + Tar.block])
                used += Tar.block
                try take(header, &events)
            case .content(let rest, let padding):
                if rest == 0 {
                    state = .skip(padding)
                    continue
                }
                guard left > 0 else { return events }
                let count = min(rest, left)
                events.append(.content(Array(pending[used..<used + count])))
                used += count
                state = .content(rest - count, padding: padding)
            case .extended(let text, let rest, let padding, let isLongName):
                if rest == 0 {
                    extend(text, isLongName: isLongName)
                    state = .skip(padding)
                    continue
                }
                guard left > 0 else { return events }
                let count = min(rest, left)
                state = .extended(
                    text + pending[used..<used + count], rest: rest - count, padding: padding, isLongName: isLongName)
                used += count
            case .skip(let rest):
                let count = min(rest, left)
                used += count
                if count < rest {
                    state = .skip(rest - count)
                    return events
                }
                state = .header
            }
        }
    }

    /// Whether the archive was read to its end.
    var isComplete: Bool { if case .ended = state { true } else { false } }

    private mutating func take(_ header: [UInt8], _ events: inout [Event]) throws(Failure) {
        if header.allSatisfy({ $0 == 0 }) {
            state = .ended
            return
        }
        guard let size = overrides["size"].flatMap({ Int($0) }) ?? TarReader.number(header[124..<136]), size >= 0,
            size <= Limits.copyBytesMax, let sum = TarReader.number(header[148..<156]),
            sum == header.enumerated().reduce(0, { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) })
        else { throw Failure("What the container sent is no tar archive; nothing more was copied.") }
        let type = header[156]
        if [UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K")].contains(type) {
            guard size <= 1 << 20 else { throw Failure("The archive's names are too long; nothing more was copied.") }
            let isKnown = type == UInt8(ascii: "x") || type == UInt8(ascii: "L")
            state =
                isKnown
                ? .extended([], rest: size, padding: Tar.padding(size), isLongName: type == UInt8(ascii: "L"))
                : .skip(size + Tar.padding(size))
            return
        }
        let isUstar = header[257..<262].elementsEqual("ustar".utf8) && header[262] == 0
        let prefix = isUstar ? TarReader.text(header[345..<500]) : ""
        let short = TarReader.text(header[0..<100])
        let name = overrides["path"] ?? (prefix.isEmpty ? short : "\(prefix)/\(short)")
        let target = overrides["linkpath"] ?? TarReader.text(header[157..<257])
        overrides = [:]
        let kind = type == 0 ? Tar.Entry.Kind.file : Tar.Entry.Kind(rawValue: type)
        events.append(
            .entry(
                Tar.Entry(
                    kind: kind, name: name,
                    mode: UInt32(truncatingIfNeeded: TarReader.number(header[100..<108]) ?? 0o644) & 0o7777, size: size,
                    modified: TarReader.number(header[136..<148]) ?? 0, target: target)))
        state = .content(size, padding: Tar.padding(size))
    }

    private mutating func extend(_ text: [UInt8], isLongName: Bool) {
        if isLongName {
            overrides["path"] = TarReader.text(text[...])
            return
        }
        var rest = text[...]
        while let space = rest.firstIndex(of: UInt8(ascii: " ")),
            let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > 0, length <= rest.count
        {
            let record = rest.prefix(length).dropLast()
            if space < record.endIndex, let equals = record[space...].firstIndex(of: UInt8(ascii: "=")) {
                let key = String(decoding: record[(space + 1)..<equals], as: UTF8.self)
                overrides[key] = String(decoding: record[(equals + 1)...], as: UTF8.self)
            }
            rest = rest.dropFirst(length)
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        let digits = bytes.drop { $0 == UInt8(ascii: " ") }.prefix { (0x30...0x37).contains($0) }
        return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
