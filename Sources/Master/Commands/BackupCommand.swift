import Shared

/// `kmaster backup FILE` and `kmaster restore FILE`.
enum BackupCommand {
    static let backup = MasterCommands.Entry(
        command: Command(
            name: "kmaster backup",
            summary: "Copies the cluster's objects and their history to a file; the master may run meanwhile.",
            operands: "FILE", flags: [MasterCommands.state],
            notes:
                "The keys in DIR/pki and DIR/encryption-keys are not part of it: keep copies of them as well, apart from the backup."
        ),
        run: { arguments, folder in
            let file = try operand(arguments)
            try Store.backup(of: folder.path + "/kmaster.db", to: file)
            StandardStreams.out("backup written to \(file)")
        })

    static let restore = MasterCommands.Entry(
        command: Command(
            name: "kmaster restore",
            summary: "Puts a backup in the place of the cluster's objects; the master must not run.",
            operands: "FILE", flags: [MasterCommands.state]),
        run: { arguments, folder in
            let file = try operand(arguments)
            try Store.restore(file, to: folder.path + "/kmaster.db")
            StandardStreams.out("restored \(file); the former state is kept as kmaster.db.before-restore")
        })

    private static func operand(_ arguments: Arguments) throws(UsageError) -> String {
        guard arguments.operands.count == 1, let file = arguments.operands.first else {
            throw UsageError("name one FILE")
        }
        return file
    }
}
