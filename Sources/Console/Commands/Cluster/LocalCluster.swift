import Glibc
import Shared

/// A cluster on this machine: one master and some nodes, as processes. Owns what `up` makes and `down` removes.
struct LocalCluster: Sendable {
    var record: ClusterRecord
    let places: Places
    let clock: any WallClock
    /// Takes lines for the user.
    let say: @Sendable (String) -> Void

    var runFolder: String { record.state + "/run" }
    var logFolder: String { record.state + "/logs" }
    func processFile(_ name: String) -> String { "\(runFolder)/\(name).pid" }
    func logFile(_ name: String) -> String { "\(logFolder)/\(name).log" }

    /// The running agent of a machine.
    func agent(_ machine: ClusterRecord.Machine) -> RunningProcess? { RunningProcess.read(processFile(machine.name)) }
    var master: RunningProcess? { RunningProcess.read(processFile("kmaster")) }

    /// A client of this cluster's administrator.
    func client() async throws -> Client {
        let config = try Kubeconfig.load([record.kubeconfig], isRequired: true)
        return Client(try await config.transport(clock: clock), agent: "kconsole/\(Version.current)")
    }

    /// Writes the record to the state folder and tells where the cluster runs.
    func save() throws {
        let bytes = Array((record.json.pretty(indent: 2) + "\n").utf8)
        try PrivateFile.write(record.state + "/cluster.json", bytes)
        let folder = places.pointer.lastIndex(of: "/").map { String(places.pointer[..<$0]) } ?? "/"
        try SystemFiles.makeFolder(folder)
        try PrivateFile.write(places.pointer, bytes)
        chmod(places.pointer, 0o644)
    }

    /// Lets the user that called sudo read the kubeconfig and the logs, and nothing else in the folder.
    func shareWithCaller() {
        guard let caller = places.caller else { return }
        chmod(record.state, 0o711)
        chown(record.kubeconfig, caller.user, caller.group)
        chown(logFolder, caller.user, caller.group)
        for name in SystemFiles.names(logFolder) { chown("\(logFolder)/\(name)", caller.user, caller.group) }
    }
}
