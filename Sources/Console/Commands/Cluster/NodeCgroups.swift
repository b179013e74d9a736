import Glibc
import Shared

/// The cgroups of a local cluster: `kotohajime/NODE` with the agent in `agent` and the pods beside it. Where the machine
/// has several trees, the unified one gathers the processes; the others hold what the agent made there.
/// Source: man 7 cgroups.
struct NodeCgroups: Sendable {
    /// Folders of all mounted trees.
    let roots: [String]
    let unified: String?
    static let top = "kotohajime"

    /// - Parameter mounts: text of `/proc/self/mountinfo`.
    init(mounts: String) {
        var roots: [String] = []
        var unified: String?
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let dash = words.firstIndex(of: "-"), words.count > dash + 1, words.count > 4 else { continue }
            guard ["cgroup", "cgroup2"].contains(words[dash + 1]) else { continue }
            roots.append(words[4])
            if words[dash + 1] == "cgroup2" { unified = unified ?? words[4] }
        }
        self.roots = roots
        self.unified = unified
    }
    static func current() -> NodeCgroups { NodeCgroups(mounts: SystemFiles.text("/proc/self/mountinfo") ?? "") }

    /// Puts a process into the machine's own part; false when there is no such tree.
    @discardableResult
    func add(_ process: pid_t, to name: String) -> Bool {
        guard let unified else { return false }
        let folder = "\(unified)/\(NodeCgroups.top)/\(name)/agent"
        for part in ["\(unified)/\(NodeCgroups.top)", "\(unified)/\(NodeCgroups.top)/\(name)", folder] { mkdir(part, 0o755) }
        return SystemFiles.set(folder + "/cgroup.procs", "\(process)") == 0
    }

    /// Every process of a machine, in any tree.
    func processes(of name: String) -> Set<pid_t> {
        var found: Set<pid_t> = []
        for root in roots { collect("\(root)/\(NodeCgroups.top)/\(name)", into: &found) }
        return found
    }

    private func collect(_ folder: String, into found: inout Set<pid_t>) {
        guard SystemFiles.isFolder(folder) else { return }
        for line in (SystemFiles.text(folder + "/cgroup.procs") ?? "").split(separator: "\n") {
            if let id = pid_t(line), id > 1 { found.insert(id) }
        }
        for name in SystemFiles.names(folder) where !name.contains(".") || SystemFiles.isFolder("\(folder)/\(name)") {
            collect("\(folder)/\(name)", into: &found)
        }
    }

    /// Ends every process of a machine at once. Source: cgroup.kill, Linux 5.14.
    func kill(_ name: String) {
        if let unified { SystemFiles.set("\(unified)/\(NodeCgroups.top)/\(name)/cgroup.kill", "1") }
        for process in processes(of: name) { Glibc.kill(process, SIGKILL) }
    }

    /// Removes the folders of a machine, or of all (`name` empty). A folder in which a process is left stays.
    func remove(_ name: String = "") {
        for root in roots { removeFolders("\(root)/\(NodeCgroups.top)" + (name.isEmpty ? "" : "/\(name)")) }
    }

    private func removeFolders(_ folder: String) {
        guard SystemFiles.isFolder(folder) else { return }
        for name in SystemFiles.names(folder) where SystemFiles.isFolder("\(folder)/\(name)") {
            removeFolders("\(folder)/\(name)")
        }
        rmdir(folder)
    }
}
