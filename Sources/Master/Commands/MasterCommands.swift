import Glibc
import Shared

/// The master's sub-commands: what an administrator does on the machine of the state folder.
enum MasterCommands {
    struct Entry: Sendable {
        let command: Command
        let run: @Sendable (_ arguments: Arguments, _ folder: StateFolder) async throws -> Void
    }

    /// All of them by their first word.
    static let all: [String: Entry] = [
        "token": TokenCommand.entry, "certs": CertificatesCommand.entry, "backup": BackupCommand.backup,
        "restore": BackupCommand.restore, "user": UserCommand.entry,
        "encryption": EncryptionCommand.entry,
    ]

    static let state = Command.Flag("state", .one("DIR"), help: "the master's state folder (default as for kmaster)")

    static func run(_ entry: Entry, _ words: [String]) async throws {
        let arguments = try Arguments(words, for: entry.command)
        if arguments.wantsHelp { return StandardStreams.out(entry.command.help) }
        let path = arguments["state"] ?? MasterSettings.defaultState
        guard access(path, R_OK | X_OK) == 0 else {
            throw UsageError("there is no state in \(path) that this user may read; name the folder with --state")
        }
        try await entry.run(arguments, try StateFolder(path))
    }

    /// Rows as columns that line up.
    static func table(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 3)
            }.joined()
        }.joined(separator: "\n")
    }
}
