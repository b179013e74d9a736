import Shared

/// Another program inside a container.
struct ExecRequest: Sendable, Equatable {
    var argv: [String]
    /// Added to the container's.
    var environment: [String] = []
    var stdin = false
    /// One terminal instead of three streams; error output arrives with the rest.
    var tty = false
}

/// The streams of a program in a container. Reading and writing may happen at once, each from one task.
struct ExecSession: Sendable {
    /// Output pieces; ends with the program (or, for attach, the container).
    let output: ByteStream
    /// Error output; ends at once when there is a terminal.
    let errors: ByteStream
    private let input: @Sendable (_ bytes: [UInt8]) async throws -> Void
    private let inputEnd: @Sendable () -> Void
    private let size: @Sendable (_ rows: Int, _ columns: Int) -> Void
    private let code: @Sendable () async -> Int32?
    private let stop: @Sendable () -> Void

    init(
        output: ByteStream, errors: ByteStream, input: @escaping @Sendable ([UInt8]) async throws -> Void,
        inputEnd: @escaping @Sendable () -> Void, size: @escaping @Sendable (Int, Int) -> Void,
        code: @escaping @Sendable () async -> Int32?, stop: @escaping @Sendable () -> Void
    ) {
        self.output = output
        self.errors = errors
        self.input = input
        self.inputEnd = inputEnd
        self.size = size
        self.code = code
        self.stop = stop
    }

    /// Hands bytes to the program's input; waits while it does not read. Without `stdin` they are dropped.
    func write(_ bytes: [UInt8]) async throws { try await input(bytes) }
    /// Closes the program's input.
    func closeInput() { inputEnd() }
    /// Sets the terminal's size; nothing happens without one.
    func resize(rows: Int, columns: Int) { size(rows, columns) }
    /// Waits for the end: the exit code, 128 + signal, or nil when the connection to the program was lost.
    func exitCode() async -> Int32? { await code() }
    /// Lets go of the streams; kills the program of an exec, leaves an attached container alone. May be repeated.
    func close() { stop() }
}

struct ProbeResult: Sendable, Equatable {
    /// Nil when the time was up.
    let exitCode: Int32?
    /// Output and error output, as they came.
    let output: [UInt8]
}
