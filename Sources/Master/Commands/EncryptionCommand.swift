import Glibc
import Shared

/// `kmaster encryption show` and `kmaster encryption rotate`: the keys of secrets at rest.
enum EncryptionCommand {
    static let entry = MasterCommands.Entry(
        command: Command(
            name: "kmaster encryption",
            summary: "Shows the keys with which secrets are encrypted on disk, or takes a new one and re-encrypts.",
            operands: "show|rotate", flags: [MasterCommands.state],
            notes:
                "rotate: a kmaster that runs takes the new key up within seconds and re-encrypts all secrets and their "
                + "history; one that does not run has it done at once. Former keys stay in DIR/encryption-keys, since "
                + "backups need them."),
        run: { arguments, folder in
            switch arguments.operands {
            case ["show"]: try show(folder)
            case ["rotate"]: try await rotate(folder)
            default: throw UsageError("kmaster encryption takes show or rotate")
            }
        })

    private static func show(_ folder: StateFolder) throws {
        var rows = [["KEY", "USE"]]
        for (index, key) in try SealingKeys.open(folder).keys.enumerated() {
            rows.append([key.id, index == 0 ? "reads and writes" : "reads"])
        }
        StandardStreams.out(MasterCommands.table(rows))
    }

    /// How long the command waits for a master that runs.
    private static let patience = Duration.seconds(60)

    private static func rotate(_ folder: StateFolder) async throws {
        let keys = try SealingKeys.open(folder).rotated()
        try keys.write(folder)
        let name = keys.keys.first?.id ?? ""
        let path = folder.path + "/kmaster.db"
        guard access(path, F_OK) == 0 else {
            return StandardStreams.out("key \(name) is made; there are no secrets yet")
        }
        guard FileLock.isFree(path: path + ".lock") else {
            let clock = SystemClock()
            let start = clock.uptime()
            while clock.uptime() - start < patience {
                try await clock.sleep(for: .milliseconds(500))
                if try Store.unsealed(path, with: keys) == 0 {
                    return StandardStreams.out(
                        "key \(name) is made and the running master has re-encrypted all secrets with it")
                }
            }
            return StandardStreams.out(
                "key \(name) is made, but the running master has not taken it up yet; see its log, or restart it")
        }
        let count = try Store.reseal(path, with: keys)
        StandardStreams.out("key \(name) is made and \(count) revisions of secrets are re-encrypted with it")
    }
}
