import Glibc
import Shared

/// Where this machine's cgroup trees are: version 1 controllers, the unified tree, or both beside each other.
///
/// A pod is put into every tree: limits come from whichever has the controller, killing from the unified one.
/// Source: man 7 cgroups, Documentation/admin-guide/cgroup-v2.rst.
struct Cgroups: Sendable, Equatable {
    /// Folder of the unified tree.
    private(set) var unified: String?
    /// Folders of version 1 controllers that are used: memory, cpu, cpuacct, pids.
    private(set) var controllers: [String: String] = [:]
    private static let wanted = ["memory", "cpu", "cpuacct", "pids"]

    /// - Parameter mounts: text of `/proc/self/mountinfo`.
    init(mounts: String) {
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let dash = words.firstIndex(of: "-"), words.count > dash + 3, words.count > 4 else { continue }
            if words[dash + 1] == "cgroup2" { unified = unified ?? words[4] }
            guard words[dash + 1] == "cgroup" else { continue }
            for option in words[dash + 3].split(separator: ",").map(String.init) where Self.wanted.contains(option) {
                controllers[option] = controllers[option] ?? words[4]
            }
        }
    }
    static func current() -> Cgroups { Cgroups(mounts: Files.text("/proc/self/mountinfo") ?? "") }

    var isUsable: Bool { unified != nil || controllers["memory"] != nil }
    private var roots: [String] { Array(Set(controllers.values)).sorted() + (unified.map { [$0] } ?? []) }

    /// Makes a cgroup and its parents in every tree and sets its limits.
    func make(_ path: String, limits: ResourceLimits) throws(Errno) {
        for root in roots { try Files.makeFolder(root + "/" + path) }
        if controllers["memory"] == nil { enableUnified(path) }
        try set(path, limits)
    }

    /// Sets other limits for the processes that are in it; a limit that is not named any more is lifted.
    func change(_ path: String, limits: ResourceLimits) throws(Errno) {
        if limits.memoryBytes == nil {
            if let folder = controllers["memory"] {
                try Files.set("\(folder)/\(path)/memory.limit_in_bytes", "-1")
            } else if let unified {
                try Files.set("\(unified)/\(path)/memory.max", "max")
            }
        }
        if limits.cpuMillis == nil {
            if let folder = controllers["cpu"] {
                try Files.set("\(folder)/\(path)/cpu.cfs_quota_us", "-1")
            } else if let unified {
                try Files.set("\(unified)/\(path)/cpu.max", "max 100000")
            }
        }
        try set(path, limits)
    }

    /// `cgroup.procs` of every tree.
    func processFiles(_ path: String) -> [String] { roots.map { "\($0)/\(path)/cgroup.procs" } }
    func killFile(_ path: String) -> String? { unified.map { "\($0)/\(path)/cgroup.kill" } }
    func oomFiles(_ path: String) -> [String] {
        if let memory = controllers["memory"] { return ["\(memory)/\(path)/memory.oom_control"] }
        return unified.map { ["\($0)/\(path)/memory.events"] } ?? []
    }

    /// Kills every process in the cgroup and below. Source: cgroup.kill, Linux 5.14.
    func kill(_ path: String) {
        if let file = killFile(path) { try? Files.set(file, "1") }
    }

    /// Removes the cgroup and those below it; false when a process is still in one of them.
    func remove(_ path: String) -> Bool {
        var isGone = true
        for root in roots where !Cgroups.removeTree(root + "/" + path) { isGone = false }
        return isGone
    }

    func usage(_ path: String) -> Usage {
        var usage = Usage()
        if let folder = controllers["cpuacct"] {
            usage.cpuNanoseconds = number("\(folder)/\(path)/cpuacct.usage")
        } else if let unified {
            usage.cpuNanoseconds = (field("\(unified)/\(path)/cpu.stat", "usage_usec") ?? 0) &* 1000
        }
        if let folder = controllers["memory"] {
            let inactive = field("\(folder)/\(path)/memory.stat", "total_inactive_file") ?? 0
            usage.workingSetBytes = max(0, number("\(folder)/\(path)/memory.usage_in_bytes") - inactive)
        } else if let unified {
            let inactive = field("\(unified)/\(path)/memory.stat", "inactive_file") ?? 0
            usage.workingSetBytes = max(0, number("\(unified)/\(path)/memory.current") - inactive)
        }
        if let folder = controllers["pids"] ?? unified { usage.pids = number("\(folder)/\(path)/pids.current") }
        return usage
    }

    private func set(_ path: String, _ limits: ResourceLimits) throws(Errno) {
        if let bytes = limits.memoryBytes {
            if let folder = controllers["memory"] {
                try Files.set("\(folder)/\(path)/memory.limit_in_bytes", "\(bytes)")
            } else if let unified {
                try Files.set("\(unified)/\(path)/memory.max", "\(bytes)")
            }
        }
        if let pids = limits.pids, let folder = controllers["pids"] ?? unified {
            try Files.set("\(folder)/\(path)/pids.max", "\(pids)")
        }
        if let millis = limits.cpuMillis {
            // The kernel's smallest quota is 1 ms.
            let quota = max(1000, millis.multipliedReportingOverflow(by: 100).partialValue)
            if let folder = controllers["cpu"] {
                try Files.set("\(folder)/\(path)/cpu.cfs_period_us", "100000")
                try Files.set("\(folder)/\(path)/cpu.cfs_quota_us", "\(quota)")
            } else if let unified {
                try Files.set("\(unified)/\(path)/cpu.max", "\(quota) 100000")
            }
        }
        if let millis = limits.cpuRequestMillis {
            let shares = min(262_144, max(2, millis.multipliedReportingOverflow(by: 1024).partialValue / 1000))
            if let folder = controllers["cpu"] {
                try Files.set("\(folder)/\(path)/cpu.shares", "\(shares)")
            } else if let unified {
                // Source: KEP-2254, shares to weight.
                try Files.set("\(unified)/\(path)/cpu.weight", "\(1 + (shares - 2) * 9999 / 262_142)")
            }
        }
    }

    /// Hands the controllers down to the parents' children. A controller that the machine lacks is passed over; setting
    /// its limit fails then.
    private func enableUnified(_ path: String) {
        guard var folder = unified else { return }
        for part in path.split(separator: "/") {
            for controller in ["cpu", "memory", "pids"] {
                try? Files.set(folder + "/cgroup.subtree_control", "+" + controller)
            }
            folder += "/" + part
        }
    }

    private static func removeTree(_ path: String) -> Bool {
        for name in Files.names(path) where Files.isFolder(path + "/" + name) { _ = removeTree(path + "/" + name) }
        return rmdir(path) == 0 || errno == ENOENT
    }

    private func number(_ path: String) -> Int64 {
        Files.text(path).flatMap { Int64($0.split(separator: "\n").first ?? "") } ?? 0
    }
    private func field(_ path: String, _ name: String) -> Int64? {
        for line in (Files.text(path) ?? "").split(separator: "\n") where line.hasPrefix(name + " ") {
            return Int64(line.dropFirst(name.utf8.count + 1))
        }
        return nil
    }
}

/// Upper bounds; nil means none.
struct ResourceLimits: Sendable, Equatable {
    /// CPU time per second of wall time, thousandths of a core.
    var cpuMillis: Int64?
    /// Relative share, from requests, thousandths of a core.
    var cpuRequestMillis: Int64?
    var memoryBytes: Int64?
    var pids: Int64?
}

/// Use of resources since the start.
struct Usage: Sendable, Equatable {
    /// CPU time, nanoseconds.
    var cpuNanoseconds: Int64 = 0
    /// Memory that cannot be reclaimed easily, bytes: usage without inactive file pages, as the kubelet reports it.
    var workingSetBytes: Int64 = 0
    var pids: Int64 = 0
}
