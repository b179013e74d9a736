import CLinux
import Glibc

/// One connection of the agent: lines in, lines out, descriptors beside them.
final class Client {
    let descriptor: Int32
    /// Gets the events.
    var isWatching = false
    /// The program that this connection started with `exec`.
    var program: Int32 = 0
    private var buffer: [UInt8] = []
    private var received: [Int32] = []
    private(set) var isOpen = true

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// The complete lines that have arrived; nil when the connection has ended or broke the rules.
    func lines() -> [ShimMessage]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var descriptors = [Int32](repeating: -1, count: 4)
        var count: Int32 = 0
        let length = clinux_receive(descriptor, &bytes, bytes.count, &descriptors, 4, &count)
        received += descriptors[..<Int(count)]
        if length < 0 && (errno == EINTR || errno == EAGAIN) { return [] }
        guard length > 0, buffer.count + length <= ShimMessage.bytesMax, received.count <= 8 else { return nil }
        buffer += bytes[..<length]
        var messages: [ShimMessage] = []
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            guard let message = ShimMessage(line: buffer[..<end]) else { return nil }
            messages.append(message)
            buffer.removeSubrange(...end)
        }
        return messages
    }

    /// The descriptors that came with the last message; the caller closes them.
    func takeDescriptors() -> [Int32] {
        defer { received = [] }
        return received
    }

    /// A client that does not read is cut off.
    func send(_ message: ShimMessage, with descriptors: [Int32] = []) {
        guard isOpen else { return }
        let line = message.line
        var offset = clinux_send(descriptor, line, line.count, descriptors, Int32(descriptors.count))
        while offset >= 0 && offset < line.count {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&entry, 1, 1000) > 0 else { break }
            let rest = Array(line[offset...])
            let count = clinux_send(descriptor, rest, rest.count, nil, 0)
            guard count > 0 else { break }
            offset += count
        }
        if offset != line.count { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    func end() {
        guard isOpen else { return }
        isOpen = false
        for descriptor in received { close(descriptor) }
        received = []
        close(descriptor)
    }
}
