import CLinux
import Glibc

/// The log of one container attempt in the CRI format, `TIME STREAM F|P TEXT`, rotated by size.
///
/// A line longer than 16 KiB is written in parts tagged `P`, the last one `F`. What a full disk refuses is lost; the
/// container is not stopped. Source: Kubernetes CRI logging, containerd's 16 KiB.
final class LogFile {
    static let partBytesMax = 16 * 1024

    private let path: String
    private let bytesMax: Int
    private let filesMax: Int
    private var descriptor: Int32
    private var size: Int
    private var pending: [String: [UInt8]] = [:]

    init(path: String, bytesMax: Int, filesMax: Int) throws(Failure) {
        self.path = path
        self.bytesMax = max(bytesMax, 4096)
        self.filesMax = max(filesMax, 1)
        descriptor = LogFile.open(path)
        guard descriptor >= 0 else { throw Failure("opening the log \(path)", errno: errno) }
        size = Int(lseek(descriptor, 0, SEEK_END))
    }
    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Parameter stream: `stdout` or `stderr`.
    func write(_ bytes: ArraySlice<UInt8>, stream: String) {
        var buffer = pending[stream] ?? []
        pending[stream] = nil
        var output: [UInt8] = []
        let time = LogFile.timeText(wallNanoseconds())
        var rest = bytes
        while !rest.isEmpty {
            let room = LogFile.partBytesMax - buffer.count
            let piece = rest.prefix(room)
            if let end = piece.firstIndex(of: UInt8(ascii: "\n")) {
                buffer += rest[rest.startIndex..<end]
                LogFile.line(time, stream, "F", buffer, into: &output)
                buffer.removeAll(keepingCapacity: true)
                rest = rest[(end + 1)...]
            } else {
                buffer += piece
                rest = rest.dropFirst(piece.count)
                if buffer.count == LogFile.partBytesMax {
                    LogFile.line(time, stream, "P", buffer, into: &output)
                    buffer.removeAll(keepingCapacity: true)
                }
            }
        }
        if !buffer.isEmpty { pending[stream] = buffer }
        append(output)
    }

    /// Writes what has no line break yet.
    func finish() {
        let time = LogFile.timeText(wallNanoseconds())
        for stream in ["stdout", "stderr"] {
            guard let buffer = pending.removeValue(forKey: stream) else { continue }
            var output: [UInt8] = []
            LogFile.line(time, stream, "F", buffer, into: &output)
            append(output)
        }
    }

    private func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if size > 0, size + bytes.count > bytesMax { rotate() }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            offset += count
        }
        size += offset
    }

    /// `PATH.4` is dropped, `PATH.3` becomes `PATH.4`, …, `PATH` becomes `PATH.1`.
    private func rotate() {
        for index in stride(from: filesMax - 2, through: 1, by: -1) {
            rename("\(path).\(index)", "\(path).\(index + 1)")
        }
        if filesMax > 1 { rename(path, "\(path).1") } else { unlink(path) }
        let next = LogFile.open(path)
        guard next >= 0 else { return }
        close(descriptor)
        descriptor = next
        size = 0
    }

    private static func open(_ path: String) -> Int32 {
        clinux_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o640)
    }

    private static func line(
        _ time: String, _ stream: String, _ tag: String, _ text: [UInt8], into output: inout [UInt8]
    ) {
        output += time.utf8
        output.append(0x20)
        output += stream.utf8
        output.append(0x20)
        output += tag.utf8
        output.append(0x20)
        output += text
        output.append(0x0A)
    }

    /// `2026-11-23T10:02:03.000000004Z`.
    static func timeText(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func pad(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return pad(parts.tm_year + 1900, 4) + "-" + pad(parts.tm_mon + 1, 2) + "-" + pad(parts.tm_mday, 2) + "T"
            + pad(parts.tm_hour, 2) + ":" + pad(parts.tm_min, 2) + ":" + pad(parts.tm_sec, 2) + "."
            + pad(nanoseconds % 1_000_000_000, 9) + "Z"
    }
}
