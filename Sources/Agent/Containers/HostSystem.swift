import Glibc

/// The reserved image `localhost/host`: an allow-list of the node's own system, read-only.
///
/// Never part of it: /root, /home, /tmp, /var, /run, /etc/shadow, the state folder.
struct HostSystem: Equatable, Sendable {
    struct Tree: Equatable, Sendable {
        let source: String
        let target: String
    }
    /// Folders and files of the node.
    private(set) var trees: [Tree] = []
    /// Those that need a folder made by the steps.
    private(set) var lateTrees: [Tree] = []
    /// Links, folders and files that are made for the container.
    private(set) var steps: [ShimMessage] = []

    /// Nothing.
    init() {}

    /// - Parameter agent: path of the agent's program on the node.
    static func current(agent: String?) -> HostSystem {
        var system = HostSystem()
        system.trees.append(Tree(source: "/usr", target: "/usr"))
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            let path = "/" + name
            if let text = Files.linkText(path) {
                system.steps.append(step("link", source: text, target: path))
            } else if Files.isFolder(path) {
                system.trees.append(Tree(source: path, target: path))
            }
        }
        for path in ["/etc/ld.so.cache", "/etc/ssl/certs", "/etc/alternatives", "/etc/services", "/etc/protocols"]
        where Files.exists(path) {
            system.trees.append(Tree(source: path, target: path))
        }
        system.addAgent(agent)
        for (path, text) in [
            ("/etc/passwd", HostImage.passwd), ("/etc/group", HostImage.group),
            ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
        ] { system.steps.append(step("file", target: path, mode: 0o644, data: text)) }
        for (path, mode) in [
            ("/root", 0o700), ("/tmp", 0o1777), ("/run", 0o755), ("/home", 0o755), ("/var/log", 0o755),
            ("/var/lib", 0o755), ("/var/tmp", 0o1777), ("/opt", 0o755),
        ] { system.steps.append(step("folder", target: path, mode: mode)) }
        return system
    }

    /// The agent's program lies at /usr/local/bin, which holds nothing else; the folder of a shared Swift library that
    /// it was linked with comes along.
    private mutating func addAgent(_ agent: String?) {
        guard let agent, Files.exists(agent) else { return }
        steps.append(
            step("mount", source: "tmpfs", target: "/usr/local/bin", type: "tmpfs", flags: 6, data: "mode=755,size=64k")
        )
        lateTrees.append(Tree(source: agent, target: "/usr/local/bin/kagent"))
        for line in (Files.text("/proc/self/maps") ?? "").split(separator: "\n")
        where line.hasSuffix("/libswiftCore.so") {
            guard let start = line.firstIndex(of: "/") else { continue }
            let folder = String(line[start...].dropLast("/libswiftCore.so".count))
            if !folder.hasPrefix("/usr/") { lateTrees.append(Tree(source: folder, target: folder)) }
            break
        }
    }
}
