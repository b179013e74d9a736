import Foundation
import Shared
import TestKit
import Testing

/// The built console in a real terminal: what it takes it gives back, however it ends.
@Suite(.enabled(if: Terminal.isInstalled, "needs tmux"), .serialized)
struct TerminalTests {
    /// A kubeconfig whose server nobody is.
    private static let nobody =
        #"{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}],"#
        + #""clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],"users":[{"name":"c","user":{}}]}"#

    /// A terminal in which the console runs, between two looks at the terminal's modes.
    /// - Parameters:
    ///   - settings: assignments in front of the program, such as `TERM=vt100`.
    ///   - kubeconfig: nil for a server that does not answer.
    private func with(
        _ settings: String = "TERM=xterm-256color", kubeconfig: String? = nil,
        _ body: (Terminal) async throws -> Void
    ) async throws {
        let program = Programs.path("kconsole")
        let configuration = TemporaryFolder()
        let path = kubeconfig ?? configuration.path + "/config"
        if kubeconfig == nil { try Data(Self.nobody.utf8).write(to: URL(fileURLWithPath: path)) }
        let terminal = try await Terminal(
            "stty -a > before; \(settings) \(program) --kubeconfig \(path); echo ended with $?; stty -a > after; exec sleep 600",
            columns: 100, rows: 30)
        do { try await body(terminal) } catch {
            await terminal.close()
            throw error
        }
        await terminal.close()
    }

    /// Waits until the console has ended with `code`, and everything of the terminal is as it was.
    private func isGivenBack(_ terminal: Terminal, code: Int32) async throws {
        try await terminal.shows("ended with \(code)")
        try await becomes("the terminal's modes are as they were", within: .seconds(60)) {
            let modes = ["before", "after"].map { Shell.text("\(terminal.folder.path)/\($0)") }
            let screen = try await terminal.ask(
                "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_flag} #{wrap_flag}")
            return !modes[0].isEmpty && modes[0] == modes[1] && screen == "0 1 0 0 1"
        }
    }

    @Test func `it says that nobody answers, helps, and leaves the terminal as it was`() async throws {
        try await with { terminal in
            let screen = try await terminal.shows("does not answer")
            #expect(screen.contains("API down"))
            #expect(try await terminal.ask("#{alternate_on}") == "1")
            try await terminal.press("?")
            try await terminal.shows("Look closer")
            try await terminal.press("Escape")
            try await terminal.shows("does not answer")
            try await terminal.press("q")
            try await isGivenBack(terminal, code: 0)
        }
    }

    @Test(arguments: [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS])
    func `a signal leaves the terminal as it was`(_ number: Int32) async throws {
        try await with { terminal in
            try await terminal.shows("kotohajime")
            try await terminal.signal(number)
            // What ends by itself ends well; a crash is still a crash for whoever waits.
            let isAsked = [SIGTERM, SIGHUP, SIGINT, SIGQUIT].contains(number)
            try await isGivenBack(terminal, code: isAsked ? 0 : 128 + number)
        }
    }

    @Test func `it can be put into the background and comes back`() async throws {
        let program = Programs.path("kconsole")
        let terminal = try await Terminal("exec bash --norc -i", columns: 100, rows: 30)
        do {
            try Data(Self.nobody.utf8).write(to: URL(fileURLWithPath: terminal.folder.path + "/config"))
            try await terminal.type("\(program) --kubeconfig config")
            try await terminal.press("Enter")
            try await terminal.shows("does not answer")
            try await terminal.press("C-z")
            try await terminal.shows("Stopped")
            #expect(try await terminal.ask("#{alternate_on} #{cursor_flag}") == "0 1")
            try await terminal.type("fg")
            try await terminal.press("Enter")
            try await terminal.shows("does not answer")
            #expect(try await terminal.ask("#{alternate_on}") == "1")
            try await terminal.press("q")
            try await terminal.shows("the shell's screen") { $0.contains("Stopped") && !$0.contains("API down") }
        } catch {
            await terminal.close()
            throw error
        }
        await terminal.close()
    }

    @Test func `a terminal that can not move its cursor is told so`() async throws {
        try await with("TERM=dumb") { terminal in
            let screen = try await terminal.shows("ended with 2")
            #expect(screen.contains("can not move its cursor"))
            try await isGivenBack(terminal, code: 2)
        }
    }

    @Test(arguments: ["xterm-256color", "screen", "vt100"])
    func `without colours and letters of the world the picture is plain`(_ name: String) async throws {
        try await with("TERM=\(name) LANG=C LC_ALL=C NO_COLOR=1") { terminal in
            let screen = try await terminal.shows("does not answer")
            #expect(screen.utf8.allSatisfy { $0 < 0x80 }, "\(screen)")
            let colours = try await terminal.colours()
            // Colours are the numbers from 30 on; bold, reverse and their ends lie below.
            let codes = colours.split(separator: "\u{1B}[").dropFirst().flatMap {
                $0.prefix { $0 != "m" }.split(separator: ";")
            }
            let tints = codes.compactMap { Int($0) }.filter { $0 >= 30 && $0 != 39 && $0 != 49 }
            #expect(tints.isEmpty, "\(tints)")
        }
    }

    @Test func `a storm of sizes ends in the right picture`() async throws {
        try await with { terminal in
            try await terminal.shows("does not answer")
            for step in 0..<20 { try await terminal.resize(columns: 20 + step * 37 % 200, rows: 5 + step * 13 % 60) }
            try await terminal.resize(columns: 30, rows: 10)
            try await terminal.shows("needs")
            try await terminal.resize(columns: 100, rows: 30)
            try await terminal.shows("the picture at its size") {
                $0.contains("does not answer") && $0.contains("? help")
            }
            try await terminal.press("q")
            try await isGivenBack(terminal, code: 0)
        }
    }

    @Test func `what was read stays to be browsed while the master is away, and lives again after it`() async throws {
        let folder = TemporaryFolder()
        let master = try MasterProcess(state: folder.path + "/master")
        let client = try await master.client()
        // Hostile texts reach the console as data only.
        let text = "\u{1B}]0;owned\u{07}\u{1B}[2J日本語"
        _ = try await client.call(
            "POST", "/api/v1/namespaces/default/configmaps",
            body: [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": ["name": "hostile", "annotations": ["note": .string(text)]],
            ])
        try await with(kubeconfig: master.kubeconfig) { terminal in
            try await terminal.shows("live")
            try await terminal.type(":configmaps default")
            try await terminal.press("Enter")
            try await terminal.shows("hostile")
            try await terminal.type("/host")
            try await terminal.press("Enter", "d")
            try await terminal.shows("日本語")
            #expect(try await terminal.ask("#{pane_title}") != "owned")
            kill(master.id, SIGKILL)
            try await terminal.shows("API down")
            try await terminal.press("Escape")
            try await terminal.shows("the table") { $0.contains("API down") && $0.contains("hostile") }
            try await master.restart()
            try await terminal.shows("the table, live again") { $0.contains("live") && $0.contains("hostile") }
            try await terminal.press("C-c")
            try await isGivenBack(terminal, code: 0)
        }
        try await master.end()
    }
}
