import Glibc
import Shared

/// `kconsole down`: ends the cluster of this machine.
enum DownCommand {
    static let verb = Verb(
        "down", "End the cluster on this machine and remove all it made but its objects.", isRemote: false,
        flags: [
            .init("state", .one("DIR"), help: "the cluster's state folder (default: that of the one that runs)"),
            .init("purge", help: "remove the state folder too: all objects are lost"),
        ],
        notes: "May be repeated, also after a crash. kconsole up brings the same objects back.", run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let begin = call.clock.uptime()
        let state = UpCommand.absolute(call.arguments["state"] ?? call.places.running?.state ?? call.places.state)
        let record = ClusterRecord.read(state + "/cluster.json") ?? call.places.running.flatMap { $0.state == state ? $0 : nil }
        if let record {
            if record.runtime == .linux, !call.places.isRoot {
                throw Failure("The cluster in \(state) belongs to root; end it with sudo kconsole down.")
            }
            let cluster = LocalCluster(
                record: record, places: call.places, clock: call.clock, say: { StandardStreams.out($0) })
            let wasRunning = cluster.master != nil || !cluster.runningMachines.isEmpty
            try await cluster.stop()
            let took = LocalCluster.seconds(call.clock.uptime() - begin).trimmingSpaces
            call.out(wasRunning ? "The cluster has ended after \(took)." : "No cluster ran; nothing of one is left.")
        } else if access(state, X_OK) != 0, errno == EACCES {
            throw Failure("The folder \(state) belongs to another user; end the cluster with sudo kconsole down.")
        } else {
            if call.places.isRoot { try NodeNetworks.removeAll() }
            call.out("No cluster ran; nothing of one is left.")
        }
        guard SystemFiles.exists(state) else { return 0 }
        if call.arguments.has("purge") {
            // Only a folder that holds a cluster is removed.
            if record != nil || SystemFiles.exists(state + "/pki") { SystemFiles.removeTree(state) }
            call.out("Removed \(state).")
        } else if record != nil {
            call.out("Its objects are kept in \(state); kconsole up brings them back, kconsole down --purge removes them.")
        }
        return 0
    }
}
