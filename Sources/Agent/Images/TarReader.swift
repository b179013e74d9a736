import Shared

/// One file of a tar archive.
struct TarEntry: Equatable, Sendable {
    enum Kind: Equatable, Sendable { case file, hardLink, symbolicLink, folder, fifo, device }
    var kind: Kind
    /// As written; not yet made safe.
    var path: String
    var linkTarget = ""
    var mode: UInt32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var size: Int64 = 0
    /// Seconds since the epoch.
    var modified: Int64 = 0
    var attributes: [String: [UInt8]] = [:]
}

/// What is wrong with an archive, in words.
struct ArchiveError: Error, Equatable, Sendable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Reads a tar archive piece by piece: ustar, pax and GNU long names. Sparse files are refused.
/// Source: POSIX pax, GNU tar manual "Basic Tar Format".
struct TarReader {
    /// Gives at most that many bytes; none at the end.
    typealias Source = (_ most: Int) throws -> [UInt8]
    private let source: Source
    private var left: Int64 = 0
    private var padding: Int64 = 0
    /// Bytes of the archive that have been read.
    private(set) var offset: Int64 = 0
    private var shared: [String: [UInt8]] = [:]

    init(_ source: @escaping Source) { self.source = source }

    /// The next file; what was not read of the last one is passed over. Nil at the end of the archive.
    mutating func next() throws -> TarEntry? {
        var extended: [String: [UInt8]] = [:]
        for _ in 0..<Limits.tarHeadersMax {
            while try body(most: 65_536) != nil {}
            try skip(padding)
            padding = 0
            guard let header = try block(512, mayEnd: true) else { return nil }
            if header.allSatisfy({ $0 == 0 }) { return nil }
            try TarReader.check(header)
            let size = try TarReader.number(header[124..<136])
            let type = header[156]
            switch type {
            case UInt8(ascii: "x"), UInt8(ascii: "g"):
                let records = try TarReader.records(try text(size))
                if type == UInt8(ascii: "x") { extended.merge(records) { $1 } } else { shared.merge(records) { $1 } }
            case UInt8(ascii: "L"): extended["path"] = try TarReader.untilZero(try text(size)[...])
            case UInt8(ascii: "K"): extended["linkpath"] = try TarReader.untilZero(try text(size)[...])
            case UInt8(ascii: "S"): throw ArchiveError("a sparse file is not supported")
            default: return try entry(header, type, size, shared.merging(extended) { $1 })
            }
        }
        throw ArchiveError("too many headers in a row")
    }

    /// The next piece of the current file; nil at its end.
    mutating func body(most: Int) throws -> [UInt8]? {
        guard left > 0 else { return nil }
        let piece = try source(Int(min(Int64(most), left)))
        guard !piece.isEmpty else { throw ArchiveError("the archive ends early") }
        left -= Int64(piece.count)
        offset += Int64(piece.count)
        return piece
    }

    /// Passes over the rest of the current file without reading it; `advance` moves the source.
    mutating func pass(_ advance: (Int64) -> Void) throws {
        let (next, overflow) = offset.addingReportingOverflow(left)
        guard !overflow else { throw ArchiveError("a size is out of range") }
        advance(left)
        offset = next
        left = 0
    }

    private mutating func entry(_ header: [UInt8], _ type: UInt8, _ plainSize: Int64, _ extended: [String: [UInt8]])
        throws
        -> TarEntry
    {
        if extended.keys.contains(where: { $0.hasPrefix("GNU.sparse") }) {
            throw ArchiveError("a sparse file is not supported")
        }
        func text(_ key: String) -> String? { extended[key].map { String(decoding: $0, as: UTF8.self) } }
        var path = String(decoding: try TarReader.untilZero(header[0..<100]), as: UTF8.self)
        if header[257..<262].elementsEqual("ustar".utf8), header[262] == 0 {
            let prefix = String(decoding: try TarReader.untilZero(header[345..<500]), as: UTF8.self)
            if !prefix.isEmpty { path = prefix + "/" + path }
        }
        path = text("path") ?? path
        let kind: TarEntry.Kind
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = path.hasSuffix("/") ? .folder : .file
        case UInt8(ascii: "1"): kind = .hardLink
        case UInt8(ascii: "2"): kind = .symbolicLink
        case UInt8(ascii: "3"), UInt8(ascii: "4"): kind = .device
        case UInt8(ascii: "5"): kind = .folder
        case UInt8(ascii: "6"): kind = .fifo
        default: throw ArchiveError("the archive has an entry of the unknown type \(type)")
        }
        var entry = TarEntry(kind: kind, path: path)
        entry.linkTarget =
            try text("linkpath") ?? String(decoding: TarReader.untilZero(header[157..<257]), as: UTF8.self)
        entry.mode = UInt32(truncatingIfNeeded: try TarReader.number(header[100..<108])) & 0o7777
        entry.uid = try text("uid").flatMap { UInt32($0) } ?? UInt32(clamping: TarReader.number(header[108..<116]))
        entry.gid = try text("gid").flatMap { UInt32($0) } ?? UInt32(clamping: TarReader.number(header[116..<124]))
        entry.modified = try TarReader.number(header[136..<148])
        let size = text("size").flatMap { Int64($0) } ?? plainSize
        guard size >= 0, size <= Int64.max - 512 else { throw ArchiveError("a size is out of range") }
        entry.size = kind == .file ? size : 0
        for (key, value) in extended where key.hasPrefix("SCHILY.xattr.") {
            entry.attributes[String(key.dropFirst(13))] = value
        }
        left = kind == .file ? size : 0
        padding = kind == .file ? (512 - size % 512) % 512 : 0
        return entry
    }

    private mutating func block(_ count: Int, mayEnd: Bool = false) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = try source(count - bytes.count)
            if piece.isEmpty {
                if bytes.isEmpty && mayEnd { return nil }
                throw ArchiveError("the archive ends early")
            }
            bytes += piece
        }
        offset += Int64(count)
        return bytes
    }

    private mutating func skip(_ count: Int64) throws {
        if count > 0 { _ = try block(Int(count)) }
    }

    /// A long name or a pax header, with its padding.
    private mutating func text(_ size: Int64) throws -> [UInt8] {
        guard size >= 0, size <= Limits.tarHeaderBytesMax else { throw ArchiveError("a header is too large") }
        let text = try block(Int(size)) ?? []
        try skip((512 - size % 512) % 512)
        return text
    }

    private static func untilZero(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] { Array(bytes.prefix { $0 != 0 }) }

    private static func check(_ header: [UInt8]) throws {
        var sum: Int64 = 0
        for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 32 : Int64(byte) }
        guard try number(header[148..<156]) == sum else {
            throw ArchiveError("this is no tar archive, or it is damaged")
        }
    }

    /// Octal digits, or base 256 with the first bit set.
    static func number(_ bytes: ArraySlice<UInt8>) throws -> Int64 {
        if let first = bytes.first, first & 0x80 != 0 {
            var value = Int64(first & 0x3F)
            for byte in bytes.dropFirst() {
                guard value <= Int64.max >> 9, first & 0x40 == 0 else { throw ArchiveError("a number is out of range") }
                value = value << 8 | Int64(byte)
            }
            return value
        }
        var value: Int64 = 0
        for byte in bytes.drop(while: { $0 == 0x20 }) {
            if byte == 0 || byte == 0x20 { break }
            guard (0x30...0x37).contains(byte) else { throw ArchiveError("a number is no octal number") }
            value = value << 3 | Int64(byte - 0x30)
        }
        return value
    }

    /// `LENGTH KEY=VALUE\n` records.
    static func records(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
        var records: [String: [UInt8]] = [:]
        var rest = bytes[...]
        while let space = rest.firstIndex(of: 0x20) {
            guard let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1,
                length <= rest.count
            else { throw ArchiveError("a pax header is damaged") }
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw ArchiveError("a pax header is damaged")
            }
            records[String(decoding: record[..<equals], as: UTF8.self)] = Array(record[(equals + 1)...])
            rest = rest[(rest.startIndex + length)...]
        }
        return records
    }
}
