import Glibc

/// Someone who is attached to a container: gets a copy of its output through pipes, and what the pipes do not take yet
/// is kept here. A class: the container and the loop share it.
final class Attachment {
    /// Bytes that wait for one listener; from there on the container itself is held.
    static let bytesMax = 1 << 20
    /// How long a listener may hold the container before it is let go, milliseconds.
    static let patienceMillis: Int64 = 10_000

    let client: Client
    /// The agent's pipes; -1: closed.
    private(set) var output: Int32
    private(set) var errors: Int32
    private var pending: [(descriptor: Int32, bytes: ArraySlice<UInt8>)] = []
    private(set) var pendingBytes = 0
    /// The container has ended: what is pending still goes out.
    var isEnding = false

    init(_ client: Client, output: Int32, errors: Int32) {
        self.client = client
        self.output = output
        self.errors = errors
    }

    /// Writes what the pipe takes and keeps the rest.
    func offer(_ bytes: ArraySlice<UInt8>, isError: Bool) {
        let target = isError && errors >= 0 ? errors : output
        guard target >= 0 else { return }
        var rest = bytes
        if pending.isEmpty { rest = rest.dropFirst(put(rest, target)) }
        guard !rest.isEmpty, output >= 0 else { return }
        pending.append((target, rest))
        pendingBytes += rest.count
    }

    /// Goes on writing; true when nothing is left.
    func flush() -> Bool {
        while let first = pending.first, output >= 0 {
            let count = put(first.bytes, first.descriptor)
            pendingBytes -= count
            if count < first.bytes.count {
                pending[0].bytes = first.bytes.dropFirst(count)
                return false
            }
            pending.removeFirst()
        }
        return true
    }

    /// The pipe that has to take more before anything goes on; -1: none.
    var blocked: Int32 { pending.first?.descriptor ?? -1 }

    private func put(_ bytes: ArraySlice<UInt8>, _ target: Int32) -> Int {
        let count = bytes.withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        if errno != EAGAIN, errno != EINTR { end() }
        return 0
    }

    /// Closes the pipes.
    func end() {
        if output >= 0 { close(output) }
        if errors >= 0 { close(errors) }
        (output, errors) = (-1, -1)
        pending = []
        pendingBytes = 0
    }
}
