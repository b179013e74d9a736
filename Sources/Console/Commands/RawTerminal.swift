import CLinux
import Dispatch
import Glibc
import Shared

/// The user's terminal passing every key on as it is. The former mode comes back at `restore`, at a signal that ends the
/// program and at a crash. Source: man 3 termios.
final class RawTerminal {
    private let former: termios
    private let descriptor: Int32
    private let signals: [any DispatchSourceSignal]

    /// Nil when standard input is no terminal.
    init?(descriptor: Int32 = STDIN_FILENO) {
        var mode = termios()
        guard tcgetattr(descriptor, &mode) == 0 else { return nil }
        let former = mode
        self.former = former
        self.descriptor = descriptor
        clinux_terminal_arm(descriptor, "", 0)
        signals = [SIGTERM, SIGHUP, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                var mode = former
                tcsetattr(descriptor, TCSANOW, &mode)
                exit(128 + number)
            }
            source.resume()
            return source
        }
        cfmakeraw(&mode)
        tcsetattr(descriptor, TCSANOW, &mode)
    }

    func restore() {
        var mode = former
        tcsetattr(descriptor, TCSADRAIN, &mode)
        for source in signals { source.cancel() }
        clinux_terminal_disarm()
    }

    /// Columns and rows; nil when they are not known.
    static func size() -> (width: Int, height: Int)? {
        var size = winsize()
        guard clinux_ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Calls `body` whenever the window has another size, until the task is cancelled.
    static func onResize(_ body: () async throws -> Void) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        signal(SIGWINCH, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGWINCH)
        source.setEventHandler { continuation.yield() }
        source.resume()
        defer { source.cancel() }
        for await _ in stream { try await body() }
    }

    /// What the user types, until the end of standard input or until nobody listens any more: nothing typed after that
    /// is taken. Reading blocks, so it has a thread of its own.
    static func input() -> AsyncStream<[UInt8]> {
        AsyncStream { continuation in
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { return continuation.finish() }
            let (wake, stop) = (ends[0], ends[1])
            // The closed end wakes the thread.
            continuation.onTermination = { _ in close(stop) }
            DispatchQueue(label: "standard input").async {
                var room = [UInt8](repeating: 0, count: 16_384)
                while true {
                    var waiting = [
                        pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                        pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
                    ]
                    if poll(&waiting, 2, -1) < 0, errno != EINTR { break }
                    if waiting[1].revents != 0 { break }
                    guard waiting[0].revents != 0 else { continue }
                    let count = read(STDIN_FILENO, &room, room.count)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { break }
                    continuation.yield(Array(room[..<count]))
                }
                close(wake)
                continuation.finish()
            }
        }
    }
}
