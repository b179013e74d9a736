import Glibc
import Shared

/// All commands of `kconsole`, and how a command line finds its own.
enum CommandTable {
    struct Group: Sendable {
        let title: String
        let verbs: [Verb]
    }
    static let groups: [Group] = [
        Group(
            title: "A cluster on this machine",
            verbs: [UpCommand.verb, DownCommand.verb, NodeCommand.verb, DoctorCommand.verb]),
        Group(
            title: "Look",
            verbs: [
                GetCommand.verb, DescribeCommand.verb, ExplainCommand.verb, WhyCommand.verb, LogsCommand.verb,
                EventsCommand.verb,
                TopCommand.verb,
                HistoryCommand.verb,
            ]),
        Group(
            title: "Change",
            verbs: [
                ApplyCommand.verb, DiffCommand.verb, CreateCommand.verb, EditCommand.verb, PatchCommand.verb,
                DeleteCommand.verb, ScaleCommand.verb,
                RolloutCommand.verb, LabelCommands.label, LabelCommands.annotate, WaitCommand.verb, UndoCommand.verb,
            ]),
        Group(title: "Reach into pods", verbs: [ExecCommand.verb, PortForwardCommand.verb, CopyCommand.verb]),
        Group(title: "Nodes", verbs: [NodeCommands.cordon, NodeCommands.uncordon, NodeCommands.drain]),
        Group(
            title: "This program and its server",
            verbs: [
                InfoCommands.resources, InfoCommands.version, AuthCommand.verb, ConfigCommand.verb,
                CompletionCommand.verb,
            ]),
    ]
    static var verbs: [Verb] { groups.flatMap(\.verbs) }

    static func verb(_ name: String) -> Verb? { verbs.first { $0.name == name || $0.aliases.contains(name) } }

    /// The console itself, without a command.
    static let console = Shared.Command(
        name: "kconsole", summary: "Shows and steers a Kubernetes cluster; without a command it opens the console.",
        flags: Verb.clusterFlags + [
            .init("all-namespaces", short: "A", help: "start with all namespaces"),
            .init("command", short: "c", .one("COMMAND"), help: "what to show first, such as pods or deployments"),
            .init("readonly", help: "refuse everything that changes the cluster"),
            .init("no-color", help: "draw without colours"),
            .init("version", help: "print the version and end"),
        ])

    /// The whole help: commands by group, then the flags of the console.
    static var help: String {
        var text = "\(console.summary)\n\nUsage: kconsole [COMMAND] [flags]\n"
        for group in groups {
            text += "\n\(group.title):\n"
            for verb in group.verbs {
                text +=
                    "  \(verb.name)\(String(repeating: " ", count: max(1, 15 - verb.name.count)))\(verb.spec.summary)\n"
            }
        }
        let flags = console.help.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "Flags:" }
        return text + "\n" + flags.joined(separator: "\n")
            + "\nkconsole COMMAND --help tells more. Exit codes: 0 done, 1 the request failed, 2 wrong usage.\n"
    }

    /// The command of a line: the first word that is no flag and no value of one. Flags before it are its own.
    static func split(_ words: [String]) -> (name: String?, rest: [String]) {
        var index = 0
        while index < words.count {
            let word = words[index]
            if word == "--" { break }
            guard word.hasPrefix("-"), word.count > 1 else {
                return (word, Array(words[..<index] + words[(index + 1)...]))
            }
            let flag = console.flags.first { "--\($0.name)" == word || $0.short.map { "-\($0)" } == word }
            index += flag.map { $0.value != .none } == true ? 2 : 1
        }
        return (nil, words)
    }

    /// Runs a command line to its end.
    /// - Returns: the exit code.
    static func run(_ words: [String]) async -> Int32 {
        let (name, rest) = split(words)
        do {
            guard let name else { return try await openConsole(rest) }
            if name == "help" {
                if let verb = rest.first.flatMap(verb) {
                    StandardStreams.write(verb.spec.help, to: STDOUT_FILENO)
                } else {
                    StandardStreams.write(help, to: STDOUT_FILENO)
                }
                return 0
            }
            guard let verb = verb(name) else {
                let near = NearMatches.of(name, among: verbs.map(\.name))
                let hint =
                    near.isEmpty ? "kconsole --help lists them" : "did you mean \(near.joined(separator: " or "))?"
                throw UsageError("there is no command \"\(name)\"; \(hint)")
            }
            let arguments = try Arguments(rest, for: verb.spec)
            if arguments.wantsHelp {
                StandardStreams.write(verb.spec.help, to: STDOUT_FILENO)
                return 0
            }
            return try await verb.run(
                Invocation(verb: verb, arguments: arguments, places: .current(), clock: SystemClock()))
        } catch let error as UsageError {
            StandardStreams.err("kconsole: \(error)")
            return 2
        } catch let error as TerminalError {
            StandardStreams.err(ErrorText.sentence(error))
            return 2
        } catch {
            StandardStreams.err(ErrorText.sentence(error))
            return 1
        }
    }

    private static func openConsole(_ words: [String]) async throws -> Int32 {
        let arguments = try Arguments(words, for: console)
        if arguments.wantsHelp {
            StandardStreams.write(help, to: STDOUT_FILENO)
            return 0
        }
        if arguments.has("version") {
            StandardStreams.out("kconsole \(Version.current) (Kubernetes \(Version.kubernetes))")
            return 0
        }
        return try await ConsoleLaunch.open(arguments, places: .current(), clock: SystemClock())
    }
}
