import Foundation

/// What a program left when it had ended.
package struct Finished: Sendable {
    package let code: Int32
    package let output: String
    package let errors: String
    package var lines: [Substring] { output.split(separator: "\n") }
}

/// Runs programs to their end, as a user's shell does.
package enum Shell {
    package struct Failed: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    /// - Parameters:
    ///   - environment: added to this process's own.
    ///   - input: what the program reads; nothing by default.
    /// - Throws: when the program can not be started or has not ended after `limit`.
    @discardableResult
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String = "",
        within limit: Duration = .seconds(60)
    ) async throws -> Finished {
        let folder = TemporaryFolder()
        let (reads, writes, complains) = (folder.path + "/in", folder.path + "/out", folder.path + "/err")
        try Data(input.utf8).write(to: URL(fileURLWithPath: reads))
        let process = try Background(
            try path(of: program), arguments,
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
            input: reads, output: writes, errors: complains)
        do {
            let code = try await eventually("the program has ended", within: limit) { process.look() }
            return Finished(code: code, output: text(writes), errors: text(complains))
        } catch {
            throw Failed(
                description: "\(program) \(arguments.joined(separator: " ")): \(error): "
                    + text(writes).suffix(500) + text(complains).suffix(500))
        }
    }

    /// What the program printed.
    /// - Throws: what it said when its exit code is not 0.
    @discardableResult
    package static func output(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String = "",
        within limit: Duration = .seconds(60)
    ) async throws -> String {
        let finished = try await run(program, arguments, environment: environment, input: input, within: limit)
        guard finished.code == 0 else {
            throw Failed(
                description: "\(program) \(arguments.joined(separator: " ")) ended with \(finished.code): "
                    + finished.output.suffix(1000) + finished.errors.suffix(1000))
        }
        return finished.output
    }

    /// The path of a program on the search path; nil when it is not installed.
    package static func find(_ program: String) -> String? {
        if program.hasPrefix("/") { return access(program, X_OK) == 0 ? program : nil }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    private static func path(of program: String) throws -> String {
        guard let path = find(program) else { throw Failed(description: "\(program) is not installed") }
        return path
    }

    package static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// Looks again and again until something holds; real programs give no other signal.
/// - Returns: what `look` found.
/// - Throws: a sentence with `what` when it did not hold within `limit`.
@discardableResult
package func eventually<T>(
    _ what: String, within limit: Duration = .seconds(30), _ look: () async throws -> T?
) async throws -> T {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if let found = try await look() { return found }
        guard clock.now < end else { throw Shell.Failed(description: "after \(limit) still not: \(what)") }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// Looks again and again until `holds` is true.
package func becomes(
    _ what: String, within limit: Duration = .seconds(30), _ holds: () async throws -> Bool
) async throws {
    try await eventually(what, within: limit) { try await holds() ? true : nil }
}
