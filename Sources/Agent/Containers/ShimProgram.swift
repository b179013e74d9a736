import CLinux
import Glibc
import Shared

/// The program `kotoshim`, which lies beside the agent's own.
struct ShimProgram: Sendable {
    let path: String

    init(path: String) { self.path = path }

    /// Beside the running program; nil when there is none.
    static func beside(program: String? = Files.linkText("/proc/self/exe")) -> ShimProgram? {
        guard let program, let slash = program.lastIndex(of: "/") else { return nil }
        let path = program[..<slash] + "/kotoshim"
        return access(String(path), X_OK) == 0 ? ShimProgram(path: String(path)) : nil
    }

    /// Runs the shim in one of its ways of starting and gives its answer.
    /// - Parameter place: the pod's folder; on the command line it tells whose shim it is when the agent is gone.
    func run(_ way: String, place: String, _ message: ShimMessage) async throws(RuntimeFailure) -> ShimMessage {
        let answer: [UInt8]
        do {
            let (input, output) = try spawn(way, place)
            defer {
                input.close()
                output.close()
            }
            try await input.write(message.line)
            input.close()
            var bytes: [UInt8] = []
            while let piece = try await output.read(most: 4096), bytes.count < 65_536 { bytes += piece }
            answer = bytes
        } catch {
            throw RuntimeFailure(.runtime, "The program \(path) can not be run: \(error).")
        }
        guard let line = ShimMessage(line: answer) else {
            throw RuntimeFailure(.runtime, "The program \(path) ended without an answer.")
        }
        guard line.verb == "ok" else { throw RuntimeFailure(.runtime, line.text("message")) }
        return line
    }

    private func spawn(_ way: String, _ place: String) throws(Errno) -> (
        input: AsyncDescriptor, output: AsyncDescriptor
    ) {
        var input: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        guard clinux_pipe(&input) == 0, clinux_pipe(&output) == 0 else { throw .last }
        let result = clinux_spawn(path, way, place, input[0], output[1])
        let failure = Errno.last
        close(input[0])
        close(output[1])
        guard result == 0 else {
            close(input[1])
            close(output[0])
            throw failure
        }
        return (AsyncDescriptor(owning: input[1]), AsyncDescriptor(owning: output[0]))
    }
}
