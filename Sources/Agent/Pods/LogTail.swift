import Glibc
import Shared

/// The end of a log in CRI format as plain text, for a container's termination message.
enum LogTail {
    /// At most `Limits.fallbackMessageLines` lines and `Limits.fallbackMessageBytes` bytes.
    static func text(_ path: String) -> String {
        var info = stat()
        guard stat(path, &info) == 0 else { return "" }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        let most = 64 * 1024
        lseek(file, max(0, info.st_size - off_t(most)), SEEK_SET)
        guard let bytes = try? Files.read(file, most: most) else { return "" }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true).map { Array($0) }
        if info.st_size > most, !lines.isEmpty { lines.removeFirst() }
        var text: [UInt8] = []
        for line in lines.suffix(Limits.fallbackMessageLines) {
            guard let entry = CRILine(line) else { continue }
            text += entry.content
            if !entry.isPartial { text.append(UInt8(ascii: "\n")) }
        }
        return String(decoding: text.suffix(Limits.fallbackMessageBytes), as: UTF8.self)
    }
}

/// One line of a container's log: `TIME STREAM TAG CONTENT`. Source: CRI log format (KEP for container logs).
struct CRILine: Equatable, Sendable {
    let time: ArraySlice<UInt8>
    let isError: Bool
    /// The line goes on in the next entry of the same stream.
    let isPartial: Bool
    let content: ArraySlice<UInt8>

    init?(_ line: [UInt8]) {
        let parts = line.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        time = parts[0]
        isError = parts[1].elementsEqual("stderr".utf8)
        isPartial = parts[2].first == UInt8(ascii: "P")
        content = parts.count == 4 ? parts[3] : []
    }
}
