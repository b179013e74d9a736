import Glibc
import Shared

/// Ends the processes of one container, as a crash would, so that its restart can be watched.
///
/// On a cluster of this machine, with the right to do so, its first process is killed from outside; elsewhere that process
/// is asked to end from inside the container.
struct ContainerKill: Sendable {
    let session: Session
    let places: Places

    /// - Throws: a sentence when the container does not run, or can not be ended.
    func end(_ namespace: String, _ name: String, _ container: String) async throws {
        let pod = try await session.client.get(Pod.self, namespace: namespace, name: name)
        if let process = localProcess(pod, container) {
            guard kill(process, SIGKILL) == 0 else {
                throw Failure(
                    "Process \(process) of the container can not be ended: \(String(cString: strerror(errno))).")
            }
            return
        }
        let place = Session(
            client: session.client, namespace: namespace, contextName: session.contextName, server: session.server)
        // The program itself may take its end as it likes; a process that ignores the request goes on.
        let code = try await ExecSession(
            place, pod: name, container: container, program: ["/bin/sh", "-c", "kill 1"], hasInput: false, isTTY: false
        ).run()
        guard code == 0 else {
            throw Failure(
                "The container can not be ended from inside (exit \(code)); delete the pod instead, which makes a new one."
            )
        }
    }

    private func localProcess(_ pod: Pod, _ container: String) -> pid_t? {
        guard let record = places.running, record.kubeconfigServer == session.server,
            let machine = record.machine(pod.spec.nodeName),
            let state = SystemFiles.text("\(record.folder(of: machine))/pods/\(pod.metadata.uid)/state")
        else { return nil }
        return ContainerKill.process(of: container, state: state)
    }

    /// The first process of the running attempt of a container, out of what the pod's shim wrote down; nil when there is
    /// none, or when the kernel has given its number to somebody else. Pure but for one look at the process.
    static func process(of container: String, state: String) -> pid_t? {
        var shim: pid_t?
        var found: pid_t?
        for line in state.split(separator: "\n") {
            let words = line.split(separator: " ")
            var fields: [Substring: Substring] = [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { fields[parts[0]] = parts[1] }
            }
            let id = fields["pid"].flatMap { pid_t($0) }
            if words.first == "sandbox" { shim = id }
            if words.first == "container", fields["name"].map(String.init) == container, fields["code"] == nil {
                found = id
            }
        }
        guard let shim, let found, found > 1, parent(of: found) == shim else { return nil }
        return found
    }

    /// Source: man 5 proc_pid_stat, field 4.
    private static func parent(of process: pid_t) -> pid_t? {
        guard let text = SystemFiles.text("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? pid_t(fields[1]) : nil
    }
}
