import Foundation
import TestKit

/// A program on a real terminal: a tmux server of its own with one window. A class: it owns the server.
final class Terminal {
    private static let count = Counter()
    private let socket: String
    /// Where its shell starts; for files that the programs leave.
    let folder = TemporaryFolder()

    static var isInstalled: Bool { Shell.find("tmux") != nil }

    /// - Parameters:
    ///   - command: what the window's shell runs; the window stays when it ends.
    ///   - environment: set for that shell.
    init(_ command: String, columns: Int = 120, rows: Int = 40, environment: [String: String] = [:]) async throws {
        socket = "kotohajime-\(getpid())-\(Terminal.count.next())"
        let configuration = folder.path + "/tmux.conf"
        let settings = "set -g default-terminal tmux-256color\nset -s escape-time 0\nset -g remain-on-exit on\n"
        try Data(settings.utf8).write(to: URL(fileURLWithPath: configuration))
        var arguments = ["-L", socket, "-f", configuration, "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)"]
        arguments += ["-c", folder.path]
        for (name, value) in environment { arguments += ["-e", "\(name)=\(value)"] }
        guard let tmux = Shell.find("tmux") else { throw Shell.Failed(description: "tmux is not installed") }
        // The server inherits what it is started with, and would hold files of this test open.
        let start = try Background(
            tmux, arguments + [command],
            environment: ProcessInfo.processInfo.environment.merging(["LANG": "C.UTF-8"]) { $1 },
            output: "/dev/null", errors: "/dev/null")
        let code = try await eventually("the terminal is there") { start.look() }
        guard code == 0 else { throw Shell.Failed(description: "tmux new-session ended with \(code)") }
    }

    /// Ends the program and the terminal.
    func close() async { _ = try? await tmux(["kill-server"]) }

    /// Presses keys: texts, or names that tmux knows (`Enter`, `Escape`, `C-c`).
    func press(_ keys: String...) async throws {
        for key in keys { try await tmux(["send-keys", key]) }
    }
    func type(_ text: String) async throws { try await tmux(["send-keys", "-l", text]) }

    func resize(columns: Int, rows: Int) async throws {
        try await tmux(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
    }

    /// What tmux knows of the window, such as `#{alternate_on}`.
    func ask(_ format: String) async throws -> String {
        String(try await tmux(["display-message", "-p", format]).drop { $0 == "\n" }.prefix { $0 != "\n" })
    }

    /// Sends a signal to the program that the window's shell waits for.
    func signal(_ number: Int32) async throws {
        let shell = try await ask("#{pane_pid}")
        let children = Shell.text("/proc/\(shell)/task/\(shell)/children")
        guard let child = children.split(separator: " ").first.flatMap({ pid_t($0) }), kill(child, number) == 0 else {
            throw Shell.Failed(description: "no program runs in the terminal")
        }
    }

    /// The screen as text.
    func screen() async throws -> String { try await tmux(["capture-pane", "-p"]) }

    /// The screen with the escape sequences of its colours.
    func colours() async throws -> String { try await tmux(["capture-pane", "-p", "-e"]) }

    /// Waits until the screen shows `text`.
    /// - Returns: the screen that did.
    @discardableResult
    func shows(_ text: String, within limit: Duration = .seconds(60)) async throws -> String {
        try await shows(text, within: limit) { $0.contains(text) }
    }
    @discardableResult
    func shows(_ what: String, within limit: Duration = .seconds(60), _ holds: (String) -> Bool) async throws -> String
    {
        var last = ""
        do {
            return try await eventually(what, within: limit) {
                last = try await screen()
                return holds(last) ? last : nil
            }
        } catch { throw Shell.Failed(description: "\(error)\n\(last)") }
    }

    @discardableResult
    private func tmux(_ arguments: [String]) async throws -> String {
        try await Shell.output("tmux", ["-L", socket] + arguments, environment: ["LANG": "C.UTF-8"])
    }
}
