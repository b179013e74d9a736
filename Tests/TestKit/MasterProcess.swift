package import Glibc
package import Shared

/// A `kmaster` of its own on loopback, without nodes. A class: it owns the process.
package final class MasterProcess {
    package let state: String
    package let port: Int
    private var process: Background
    private var starts = 1

    package var id: pid_t { process.id }
    package var kubeconfig: String { state + "/admin.kubeconfig" }
    private var log: String { state + ".log" }

    /// - Parameter state: its state folder; the log lies beside it.
    package init(state: String, options: [String] = []) throws {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        port = listener.port
        listener.close()
        self.state = state
        process = try MasterProcess.start(state, port, options)
    }

    private static func start(_ state: String, _ port: Int, _ options: [String]) throws -> Background {
        try Background(
            Programs.path("kmaster"), ["--state", state, "--listen", "127.0.0.1:\(port)"] + options, environment: [:],
            output: state + ".log", errors: state + ".log")
    }

    /// Waits for the line that says that it serves, and gives an administrator's client.
    package func client() async throws -> Client {
        try await eventually("the master serves") {
            if let code = process.look() {
                throw Shell.Failed(description: "the master ended with \(code): \(Shell.text(log).suffix(1000))")
            }
            let lines = Shell.text(log).split(separator: "\n").count { $0.hasPrefix("kmaster ready") }
            return lines >= starts ? true : nil
        }
        return try await Programs.client(kubeconfig)
    }

    /// Takes its power away and switches it on again.
    package func restart(options: [String] = []) async throws {
        try await process.end(SIGKILL)
        starts += 1
        process = try MasterProcess.start(state, port, options)
    }
    package func end() async throws { try await process.end() }
}
