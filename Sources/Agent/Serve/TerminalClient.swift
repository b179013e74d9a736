import Shared

/// What the client of an exec or attach sends.
enum TerminalInput: Equatable, Sendable {
    case bytes([UInt8])
    /// No more bytes follow.
    case end
    case resize(rows: Int, columns: Int)

    /// A size as clients send it: `{"Width":80,"Height":24}`. Nil for anything that is no size.
    init?(size bytes: [UInt8]) {
        guard let size = try? JSON(parsing: bytes), let rows = size["Height"].int, let columns = size["Width"].int,
            (1...10_000).contains(rows), (1...10_000).contains(columns)
        else { return nil }
        self = .resize(rows: rows, columns: columns)
    }
}

/// How a program in a container has ended, as its client is told.
enum ProgramEnd: Equatable, Sendable {
    case exited(Int32)
    /// The connection to the program was lost.
    case lost
    /// It never started; one sentence.
    case failed(String)

    /// The `Status` that ends a session since version 4 of the protocol.
    /// Source: apimachinery `remotecommand`, reason `NonZeroExitCode`.
    var status: JSON {
        switch self {
        case .exited(0): return ["metadata": [:], "status": "Success"]
        case .exited(let code):
            let cause: JSON = ["reason": "ExitCode", "message": .string(String(code))]
            return [
                "metadata": [:], "status": "Failure", "message": .string(text), "reason": "NonZeroExitCode",
                "details": ["causes": [cause]],
            ]
        case .lost, .failed:
            let cause: JSON = ["message": .string(text)]
            return [
                "metadata": [:], "status": "Failure", "message": .string("Internal error occurred: \(text)"),
                "reason": "InternalError", "details": ["causes": [cause]], "code": 500,
            ]
        }
    }

    /// What older versions write to the error stream; empty for success.
    var text: String {
        switch self {
        case .exited(0): ""
        case .exited(let code): "command terminated with non-zero exit code: exit status \(code)"
        case .lost: "error executing command in container: the connection to the program was lost"
        case .failed(let why): "error executing command in container: \(why)"
        }
    }

    /// What is written for the version of the protocol, 1 to 5.
    func message(version: Int) -> [UInt8] { version >= 4 ? status.encoded : Array(text.utf8) }
}

/// Which streams the client of an exec or attach has asked for.
struct TerminalStreams: Equatable, Sendable {
    var input = false
    var output = false
    var errors = false
    var tty = false

    /// Reads the names of the API (`stdin`) and of the kubelet (`input`).
    /// - Throws: 400 when there is none.
    init(_ query: Query) throws(Status) {
        input = query.bool("stdin") || query.bool("input")
        output = query.bool("stdout") || query.bool("output")
        tty = query.bool("tty")
        // One terminal carries both.
        errors = (query.bool("stderr") || query.bool("error")) && !tty
        guard input || output || errors else {
            throw Status(.badRequest, "you must specify at least 1 of stdin, stdout, stderr")
        }
    }
}

/// The client's side of a program's streams, whatever protocol carries them.
protocol TerminalClient: Sendable {
    /// Returns when the client has opened all the streams that it asked for.
    func ready() async throws
    /// Hands on what the client sends; returns when it has left.
    func receive(_ take: @escaping @Sendable (TerminalInput) async throws -> Void) async
    /// - Parameter isError: error output.
    func send(_ bytes: [UInt8], isError: Bool) async throws
    /// Tells the client how the program has ended and closes the streams in order.
    func finish(_ end: ProgramEnd) async
    /// Frees the connection.
    func abort()
}
