import CLinux
import Dispatch
import Glibc
import Synchronization

/// A number of the kernel's error, as a Swift error.
struct Errno: Error, Equatable, Sendable, CustomStringConvertible {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    static var last: Errno { Errno(errno) }
    var description: String { strerror(number).map { String(cString: $0) } ?? "error \(number)" }
}

/// Owns a pipe, socket or terminal whose reads and writes wait without holding a thread.
///
/// A class because it owns the descriptor, which is closed by `close()` or with the last reference. Dispatch watches
/// the descriptor only while someone waits, so nothing is read that nobody asked for.
final class AsyncDescriptor: Sendable {
    private enum Direction { case read, write }
    private struct State {
        var isClosed = false
        /// Operations that use the number now; the last one closes it when `isClosed`.
        var users = 0
        var waiting: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }
    private let number: Int32
    private let state = Mutex(State())
    private static let queue = DispatchQueue(label: "descriptors")

    /// Takes over the descriptor and makes it non-blocking.
    init(owning number: Int32) {
        self.number = number
        _ = clinux_fcntl(number, F_SETFL, clinux_fcntl(number, F_GETFL, 0) | O_NONBLOCK)
    }
    deinit { if !state.withLock({ $0.isClosed }) { Glibc.close(number) } }

    /// Nil at the end, after `close()`, and when a terminal's other end is gone.
    func read(most: Int) async throws(Errno) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: most)
        guard let count = try await attempt(.read, { Glibc.read($0, &buffer, most) }), count > 0 else { return nil }
        return Array(buffer[..<count])
    }

    /// - Throws: EPIPE when nobody reads, EBADF after `close()`.
    func write(_ bytes: [UInt8]) async throws(Errno) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest)
            guard let count = try await attempt(.write, { Glibc.write($0, piece, piece.count) }) else {
                throw Errno(EPIPE)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Receives bytes and descriptors; nil at the end.
    func receive(most: Int) async throws(Errno) -> (bytes: [UInt8], descriptors: [Int32])? {
        var buffer = [UInt8](repeating: 0, count: most)
        var descriptors = [Int32](repeating: -1, count: 4)
        var found: Int32 = 0
        let count = try await attempt(.read) { clinux_receive($0, &buffer, most, &descriptors, 4, &found) }
        guard let count, count > 0 else { return nil }
        return (Array(buffer[..<count]), Array(descriptors[..<Int(found)]))
    }

    /// Sends bytes with descriptors, which stay the caller's.
    func send(_ bytes: [UInt8], descriptors: [Int32] = []) async throws(Errno) {
        let sent = try await attempt(.write) {
            clinux_send($0, bytes, bytes.count, descriptors, Int32(descriptors.count))
        }
        guard let sent else { throw Errno(EPIPE) }
        if sent < bytes.count { try await write(Array(bytes[sent...])) }
    }

    /// Runs a call on the open descriptor; nil when it is closed.
    @discardableResult
    func withNumber<T>(_ body: (Int32) -> T) -> T? {
        guard enter() else { return nil }
        defer { leave() }
        return body(number)
    }

    /// Wakes all who wait. May be called more than once.
    func close() {
        let (waiting, closes) = state.withLock { state -> ([@Sendable () -> Void], Bool) in
            guard !state.isClosed else { return ([], false) }
            state.isClosed = true
            return (Array(state.waiting.values), state.users == 0)
        }
        for cancel in waiting { cancel() }
        if closes { Glibc.close(number) }
    }

    private func enter() -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.users += 1
            return true
        }
    }

    private func leave() {
        let closes = state.withLock { state in
            state.users -= 1
            return state.isClosed && state.users == 0
        }
        if closes { Glibc.close(number) }
    }

    /// Repeats a call that would block when the descriptor is ready; nil when it is closed or a terminal ended.
    private func attempt(_ direction: Direction, _ call: (Int32) -> Int) async throws(Errno) -> Int? {
        while true {
            guard enter() else { return nil }
            let result = call(number)
            let failure = errno
            if result >= 0 {
                leave()
                return result
            }
            switch failure {
            case EINTR: leave()
            case EAGAIN:
                await ready(direction)
                leave()
            case EIO:
                leave()
                return nil
            default:
                leave()
                throw Errno(failure)
            }
        }
    }

    private func ready(_ direction: Direction) async {
        let key = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let source: any DispatchSourceProtocol =
                    direction == .read
                    ? DispatchSource.makeReadSource(fileDescriptor: number, queue: AsyncDescriptor.queue)
                    : DispatchSource.makeWriteSource(fileDescriptor: number, queue: AsyncDescriptor.queue)
                let end = CancelOnce(source)
                source.setEventHandler { end.cancel() }
                source.setCancelHandler { continuation.resume() }
                let isOpen = state.withLock { state in
                    state.waiting[key] = { end.cancel() }
                    return !state.isClosed
                }
                source.activate()
                if !isOpen || Task.isCancelled { end.cancel() }
            }
        } onCancel: {
            close()
        }
        state.withLock { state in state.waiting[key] = nil }
    }
}

/// Cancels a dispatch source from any thread.
private struct CancelOnce: @unchecked Sendable {
    // Sendable: `cancel` of a dispatch source may be called from any thread, and nothing else is called.
    private let source: any DispatchSourceProtocol
    init(_ source: any DispatchSourceProtocol) { self.source = source }
    func cancel() { source.cancel() }
}
