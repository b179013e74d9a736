import Foundation
import TestKit

/// A program on a real terminal: a tmux server of its own with one window. A class: it owns the server.
final class Terminal {
    private static let count = Counter()
    private let socket: String
    private let folder = TemporaryFolder()

    static var isInstalled: Bool { Shell.find("tmux") != nil }

    /// - Parameter command: what the window's shell runs; the window stays when it ends.
    init(_ command: String, columns: Int = 120, rows: Int = 40, environment: [String: String] = [:]) async throws {
        socket = "kotohajime-\(getpid())-\(Terminal.count.next())"
        let configuration = folder.path + "/tmux.conf"
        let settings = "set -g default-terminal tmux-256color\nset -s escape-time 0\nset -g remain-on-exit on\n"
        try Data(settings.utf8).write(to: URL(fileURLWithPath: configuration))
        var arguments = ["-L", socket, "-f", configuration, "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)"]
        for (name, value) in environment { arguments += ["-e", "\(name)=\(value)"] }
        try await Shell.output("tmux", arguments + [command], environment: ["LANG": "C.UTF-8"])
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

    /// The screen as text.
    func screen() async throws -> String { try await tmux(["capture-pane", "-p"]) }

    /// Waits until the screen shows `text`.
    /// - Returns: the screen that did.
    @discardableResult
    func shows(_ text: String, within limit: Duration = .seconds(20)) async throws -> String {
        try await shows(text, within: limit) { $0.contains(text) }
    }
    @discardableResult
    func shows(_ what: String, within limit: Duration = .seconds(20), _ holds: (String) -> Bool) async throws -> String
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
