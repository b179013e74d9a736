/// One line of a watch.
package enum WatchEvent: Sendable {
    case added(JSON)
    case modified(JSON)
    case deleted(JSON)
    /// Nothing changed up to this revision.
    case bookmark(JSON)
    /// The server ends the watch, with 410 most often: list anew.
    case failed(Status)

    /// Reads `{"type":…,"object":…}`.
    package init(line: [UInt8]) throws {
        let json = try JSON(parsing: line)
        let object = json["object"]
        switch json["type"].string {
        case "ADDED": self = .added(object)
        case "MODIFIED": self = .modified(object)
        case "DELETED": self = .deleted(object)
        case "BOOKMARK": self = .bookmark(object)
        case "ERROR":
            self = .failed(Status(object) ?? Status(.internalError, "the watch ended with an error of no known form"))
        default: throw Status(.internalError, "the watch sent an event of the unknown type \(json["type"].text)")
        }
    }
}

/// Cuts a stream of bytes into the lines of a watch.
package struct LineCutter: Sendable {
    private var partial: [UInt8] = []
    private let bytesMax: Int
    package init(bytesMax: Int = Limits.watchLineBytesMax) { self.bytesMax = bytesMax }

    /// The lines that `piece` completes, without their line feed; empty lines are left out.
    /// - Throws: `Status` when a line grows beyond the bound.
    package mutating func lines(adding piece: [UInt8]) throws(Status) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = 0
        while let end = piece[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = partial.isEmpty ? Array(piece[start..<end]) : partial + piece[start..<end]
            partial = []
            if !line.isEmpty { lines.append(line) }
            start = end + 1
        }
        partial += piece[start...]
        if partial.count > bytesMax {
            throw Status(.requestEntityTooLarge, "a line of the watch is longer than \(bytesMax) bytes")
        }
        return lines
    }
}
