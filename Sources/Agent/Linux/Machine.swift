import Glibc
import Shared

/// What the kernel and the system say about this machine. Source: man 2 uname, man 5 proc, os-release, machine-id.
struct Machine: Equatable, Sendable {
    var kernel = ""
    var architecture = ""
    var system = "Linux"
    var machineID = ""
    var bootID = ""
    var cpus = 1
    var memoryBytes = 0
    var diskBytes = 0

    static var hostname: String {
        var names = utsname()
        uname(&names)
        return text(names.nodename)
    }

    /// - Parameter folder: whose file system is the node's disk.
    static func read(folder: String) -> Machine {
        var machine = Machine()
        var names = utsname()
        uname(&names)
        machine.kernel = text(names.release)
        let kind = text(names.machine)
        machine.architecture = kind == "x86_64" ? "amd64" : kind == "aarch64" ? "arm64" : kind
        for line in (Files.text("/etc/os-release") ?? "").split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
            machine.system = line.dropFirst(12).filter { $0 != "\"" }
        }
        machine.machineID = word("/etc/machine-id")
        machine.bootID = word("/proc/sys/kernel/random/boot_id")
        machine.cpus = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        machine.memoryBytes = amount("MemTotal")
        machine.diskBytes = disk(folder).total
        return machine
    }

    /// A row of /proc/meminfo, bytes.
    static func amount(_ key: String) -> Int {
        for line in (Files.text("/proc/meminfo") ?? "").split(separator: "\n") where line.hasPrefix(key + ":") {
            let number = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            return number * 1024
        }
        return 0
    }

    static func disk(_ folder: String) -> (total: Int, free: Int) {
        var info = statvfs()
        guard statvfs(folder, &info) == 0 else { return (0, 0) }
        let unit = Int(clamping: info.f_frsize)
        return (Int(clamping: info.f_blocks) &* unit, Int(clamping: info.f_bavail) &* unit)
    }

    private static func word(_ path: String) -> String {
        (Files.text(path) ?? "").split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    }

    private static func text<T>(_ tuple: T) -> String {
        withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// The node as pods see it.
struct NodeFacts: Equatable, Sendable {
    let name: String
    let address: String
    /// Below which the pods' cgroups lie.
    let cgroup: String
    let cpuMillis: Int
    let memoryBytes: Int
}
