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

    /// A terminal in which the console runs against a server that does not answer, between two looks at its modes.
    /// - Parameter settings: assignments in front of the program, such as `TERM=vt100`.
    private func with(
        _ settings: String = "TERM=xterm-256color", _ body: (Terminal) async throws -> Void
    ) async throws {
        let program = Programs.path("kconsole")
        let configuration = TemporaryFolder()
        let path = configuration.path + "/config"
        try Data(Self.nobody.utf8).write(to: URL(fileURLWithPath: path))
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

    @Test func `a terminal that can not move its cursor is told so`() async throws {
        try await with("TERM=dumb") { terminal in
            let screen = try await terminal.shows("ended with 1")
            #expect(screen.contains("can not move its cursor"))
            try await isGivenBack(terminal, code: 1)
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
}
