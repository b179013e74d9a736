import CLinux
import Glibc
import Shared

/// One connection to a shim: a request at a time, then perhaps events.
final class ShimClient: Sendable {
    let descriptor: AsyncDescriptor

    /// - Throws: ECONNREFUSED or ENOENT when the shim is gone.
    init(path: String) throws(Errno) {
        let socket = clinux_unix_connect(path)
        guard socket >= 0 else { throw .last }
        descriptor = AsyncDescriptor(owning: socket)
    }

    struct Answer: Sendable {
        let message: ShimMessage
        /// The receiver closes them.
        let descriptors: [Int32]
    }

    /// Sends a request and reads its answer, `ok` or a failure in the shim's words.
    func request(_ message: ShimMessage, descriptors: [Int32] = []) async throws(RuntimeFailure) -> Answer {
        var lines = Lines()
        return try await request(message, descriptors: descriptors, lines: &lines, rows: { _ in })
    }

    /// As above for an answer of several lines: `rows` gets those before the last.
    func request(
        _ message: ShimMessage, descriptors: [Int32] = [], lines: inout Lines, rows: (ShimMessage) -> Void
    ) async throws(RuntimeFailure) -> Answer {
        do {
            try await descriptor.send(message.line, descriptors: descriptors)
        } catch {
            throw RuntimeFailure(.runtime, "The pod's shim can not be reached: \(error).")
        }
        while let line = try? await next(&lines) {
            switch line.verb {
            case "ok":
                defer { lines.descriptors = [] }
                return Answer(message: line, descriptors: lines.descriptors)
            case "error":
                throw RuntimeFailure(line.number("errno") == ENOENT ? .notFound : .runtime, line.text("message"))
            default: rows(line)
            }
        }
        throw RuntimeFailure(.runtime, "The pod's shim ended.")
    }

    /// The next line; nil when the shim is gone.
    func next(_ lines: inout Lines) async throws(Errno) -> ShimMessage? {
        while true {
            if let line = lines.take() { return line }
            guard let piece = try await descriptor.receive(most: 65_536),
                lines.buffer.count + piece.bytes.count <= ShimMessage.bytesMax
            else { return nil }
            lines.buffer += piece.bytes
            lines.descriptors += piece.descriptors
        }
    }

    func close() { descriptor.close() }

    /// What has arrived and is not read yet.
    struct Lines: Sendable {
        fileprivate var buffer: [UInt8] = []
        fileprivate var descriptors: [Int32] = []

        fileprivate mutating func take() -> ShimMessage? {
            while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let message = ShimMessage(line: buffer[..<end])
                buffer.removeSubrange(...end)
                if let message { return message }
            }
            return nil
        }
    }
}
