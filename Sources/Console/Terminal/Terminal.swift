import CLinux
import Dispatch
import Glibc
import Shared
import Synchronization

/// What the terminal tells: keys and signals.
enum TerminalEvent: Equatable, Sendable {
    case input(Input)
    case resized(Size)
    /// It is ours again after the program was stopped.
    case resumed
    case terminated
}

/// What keeps the console from using a terminal, with what to do.
struct TerminalError: Error, CustomStringConvertible {
    let description: String
}

/// The user's terminal while the console has it: raw mode, the alternate screen, keys in, frames out. The only writer
/// to it; a class, because it owns the terminal's mode.
///
/// Safe from any task: all changing state lies behind one lock, and bytes are written while it is held, so that a
/// frame is never torn.
final class Terminal: Sendable {
    private struct State {
        var painter: Painter
        var saved: termios
        var isActive = false
        /// The program was stopped for the shell; only SIGCONT makes it active again.
        var isStopped = false
        /// The real standard error while its place is taken by a file.
        var standardError: Int32 = -1
    }
    private let state: Mutex<State>
    private let descriptor: Int32
    private let keys: [[UInt8]: Key]

    /// - Throws: `TerminalError` when standard input and output are no terminal, or it can not move its cursor.
    init(environment: [String: String], noColor: Bool) throws {
        descriptor = STDOUT_FILENO
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
            throw TerminalError(
                description: "kconsole needs a terminal to draw on; for scripts use kconsole get, describe and logs")
        }
        let name = environment["TERM"] ?? ""
        guard let info = Terminfo(name, descriptor: STDOUT_FILENO), info.canMove else {
            throw TerminalError(
                description:
                    "the terminal \"\(name)\" can not move its cursor; set TERM to what you use, such as xterm-256color, or use kconsole get"
            )
        }
        keys = info.keys
        var saved = termios()
        guard tcgetattr(STDIN_FILENO, &saved) == 0 else {
            throw TerminalError(
                description: "the terminal's mode can not be read; start kconsole in an ordinary terminal")
        }
        let depth = noColor ? .mono : Palette.depth(environment: environment, terminfoColors: info.colors)
        let locale =
            [environment["LC_ALL"], environment["LC_CTYPE"], environment["LANG"]].lazy.compactMap { $0 }.first {
                !$0.isEmpty
            } ?? ""
        let isUTF8 = locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
        state = Mutex(State(painter: Painter(palette: Palette(depth), charset: isUTF8 ? .utf8 : .ascii), saved: saved))
    }

    // MARK: Taking and giving back.

    func enter() {
        state.withLock { state in
            guard !state.isActive else { return }
            state.isActive = true
            Restore.arm(descriptor)
            state.standardError = Terminal.divertStandardError()
            take(&state)
        }
    }

    private func take(_ state: inout State) {
        var raw = state.saved
        cfmakeraw(&raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        state.painter.forget()
        write(Array(Restore.enter.utf8))
    }

    /// After `fg`: the shell has put its own mode back.
    private func takeAgain() {
        let wasStopped = state.withLock { state in
            defer { state.isStopped = false }
            if state.isActive { take(&state) }
            return state.isStopped
        }
        if wasStopped { enter() }
    }
    private var isActive: Bool { state.withLock { $0.isActive } }

    /// Gives the terminal back as it was, and prints what was written to standard error meanwhile.
    func leave() {
        state.withLock { state in
            guard state.isActive else { return }
            state.isActive = false
            write(Array(Restore.leave.utf8))
            var saved = state.saved
            tcsetattr(STDIN_FILENO, TCSADRAIN, &saved)
            Restore.disarm()
            Terminal.returnStandardError(to: state.standardError)
            state.standardError = -1
        }
    }

    /// A file without a name takes what would spoil the picture. Gives the real standard error.
    private static func divertStandardError() -> Int32 {
        var template = Array("/tmp/kconsole-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { return -1 }
        unlink(template)
        let real = dup(STDERR_FILENO)
        dup2(file, STDERR_FILENO)
        close(file)
        return real
    }
    private static func returnStandardError(to real: Int32) {
        guard real >= 0 else { return }
        var text = [UInt8](repeating: 0, count: 65_536)
        lseek(STDERR_FILENO, 0, SEEK_SET)
        let count = read(STDERR_FILENO, &text, text.count)
        dup2(real, STDERR_FILENO)
        close(real)
        if count > 0 { _ = Glibc.write(STDERR_FILENO, text, count) }
    }

    // MARK: Out.

    func show(_ canvas: Canvas) {
        state.withLock { state in
            guard state.isActive else { return }
            let bytes = state.painter.frame(canvas)
            if !bytes.isEmpty { write(bytes) }
        }
    }

    /// The next frame is drawn whole.
    func forget() { state.withLock { $0.painter.forget() } }

    /// Puts text on the clipboard, as far as the terminal allows. Source: xterm ctlseqs, OSC 52.
    func copy(_ text: String) {
        let bytes = Array(text.utf8.prefix(4096))
        state.withLock { if $0.isActive { write(Array("\u{1B}]52;c;\(Base64.encode(bytes))\u{07}".utf8)) } }
    }

    private func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
                if count > 0 { done += count } else if errno != EINTR && errno != EAGAIN { return }
            }
        }
    }

    var size: Size {
        var window = winsize()
        guard clinux_ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return Size(80, 24) }
        return Size(min(500, Int(window.ws_col)), min(300, Int(window.ws_row)))
    }

    // MARK: In.

    /// Tells of keys and signals until the task is cancelled.
    ///
    /// One queue reads the keyboard, so that the decoder has one user; signals arrive on it too.
    func events(_ send: @escaping @Sendable (TerminalEvent) -> Void) async {
        let queue = DispatchQueue(label: "terminal")
        let reader = KeyReader(keys: keys, queue: queue, send)
        let keyboard = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: queue)
        keyboard.setEventHandler { [self] in
            // A shell or an editor has the terminal and reads what is typed.
            guard isActive else {
                usleep(20_000)
                return
            }
            reader.read()
        }
        let handlers: [(Int32, @Sendable () -> Void)] = [
            (SIGWINCH, { [self] in send(.resized(size)) }), (SIGTERM, { send(.terminated) }),
            (SIGHUP, { send(.terminated) }),
            // A shell or an editor in front gets these from the terminal itself.
            (SIGINT, { [self] in if isActive { send(.terminated) } }),
            (SIGQUIT, { [self] in if isActive { send(.terminated) } }),
            (SIGTSTP, { [self] in if isActive { send(.input(.key(.control("z")))) } }),
            (
                SIGCONT,
                { [self] in
                    takeAgain()
                    send(.resized(size))
                    send(.resumed)
                }
            ),
        ]
        let sources = handlers.map { number, handler in
            if number != SIGWINCH, number != SIGCONT { signal(number, SIG_IGN) }
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler(handler: handler)
            return source
        }
        keyboard.resume()
        for source in sources { source.resume() }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
        keyboard.cancel()
        for source in sources { source.cancel() }
    }

    /// Stops the program as the shell's ctrl-z does. It comes back with SIGCONT, not when this returns: other threads
    /// run on for a moment, and what they drew would lie over the shell.
    /// - Returns: false when no shell waits; the terminal stays taken then.
    func suspend() -> Bool {
        leave()
        state.withLock { $0.isStopped = true }
        if JobControl.stopGroup() { return true }
        state.withLock { $0.isStopped = false }
        enter()
        return false
    }
}

/// Reads the keyboard and finds the lone escape key. Lives on one queue; its state is behind a lock all the same, which
/// costs nothing there and needs no proof.
private final class KeyReader: Sendable {
    private let decoder: Mutex<KeyDecoder>
    private let rounds = Mutex(0)
    private let queue: DispatchQueue
    private let send: @Sendable (TerminalEvent) -> Void

    init(keys: [[UInt8]: Key], queue: DispatchQueue, _ send: @escaping @Sendable (TerminalEvent) -> Void) {
        decoder = Mutex(KeyDecoder(extra: keys))
        self.queue = queue
        self.send = send
    }

    func read() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
        if count == 0 { return send(.terminated) }
        guard count > 0 else { return }
        let (inputs, isWaiting) = decoder.withLock { ($0.feed(buffer.prefix(count)), $0.isWaiting) }
        for input in inputs { send(.input(input)) }
        let round = rounds.withLock { rounds in
            rounds &+= 1
            return rounds
        }
        guard isWaiting else { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(Limits.escapeMilliseconds)) { [self] in
            guard rounds.withLock({ $0 }) == round else { return }
            for input in decoder.withLock({ $0.flush() }) { send(.input(input)) }
        }
    }
}

/// Source: RFC 4648.
private enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let chunk = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for offset in 0..<3 {
                word = word << 8 | (start + offset < chunk.endIndex ? UInt32(bytes[start + offset]) : 0)
            }
            for index in 0..<4 {
                out.append(index <= chunk.count ? letters[Int(word >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
