import Glibc
import Shared

extension LocalCluster {
    /// Ends one machine as a power cut does: agent, shims, pods and network.
    func killNode(_ machine: ClusterRecord.Machine) async throws {
        let cgroups = NodeCgroups.current()
        for _ in 0..<100 {
            if places.isRoot { cgroups.kill(machine.name) }
            let left = family(of: machine)
            for process in left { kill(process, SIGKILL) }
            if left.isEmpty, !places.isRoot || cgroups.processes(of: machine.name).isEmpty { break }
            try await clock.sleep(for: .milliseconds(20))
        }
        unlink(processFile(machine.name))
        guard record.runtime == .linux else { return }
        try NodeNetworks.remove(machine)
        unmount(below: [record.folder(of: machine), RunFolder.of(state: record.folder(of: machine))])
        cgroups.remove(machine.name)
    }

    /// The agent, its shims and all that they have started.
    private func family(of machine: ClusterRecord.Machine) -> Set<pid_t> {
        let tree = ProcessTree.current()
        var roots = tree.agents(of: record.folder(of: machine))
        if let agent = agent(machine) { roots.insert(agent.id) }
        return tree.family(of: roots)
    }

    /// Ends the whole cluster and removes all that it made outside its state folder. Objects stay in the state folder.
    func stop() async throws {
        let master = master
        for machine in record.machines { try await killNode(machine) }
        try await master?.stop(within: .seconds(Limits.stopSeconds), clock: clock)
        unlink(processFile("kmaster"))
        if record.runtime == .linux {
            let cgroups = NodeCgroups.current()
            cgroups.kill("")
            try NodeNetworks.removeAll()
            for (file, value) in record.formerSettings where file.hasPrefix("/proc/sys/net/") {
                SystemFiles.set(file, value)
            }
            unmount(below: [record.state + "/nodes", NetworkNamespace.directory] + runFolders)
            for _ in 0..<50 {
                cgroups.remove()
                if !cgroups.roots.contains(where: { SystemFiles.exists("\($0)/\(NodeCgroups.top)") }) { break }
                try await clock.sleep(for: .milliseconds(20))
            }
            SystemFiles.removeTree(NetworkNamespace.directory)
        }
        // Agents that belong to no local cluster have their folders beside these.
        for folder in runFolders { SystemFiles.removeTree(folder) }
        unlink(places.pointer)
        rmdir(Places.runFolder)
        SystemFiles.removeTree(runFolder)
    }

    /// Where the machines' agents keep their sockets.
    private var runFolders: [String] { record.machines.map { RunFolder.of(state: record.folder(of: $0)) } }

    /// Lets go of mounts in these folders, the deepest first.
    private func unmount(below folders: [String]) {
        let mounts = (SystemFiles.text("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap {
            $0.split(separator: " ").dropFirst(4).first.map(String.init)
        }
        for mount in mounts.reversed() where folders.contains(where: { mount == $0 || mount.hasPrefix($0 + "/") }) {
            umount2(mount, 2)
        }
    }
}
