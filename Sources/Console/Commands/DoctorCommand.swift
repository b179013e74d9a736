import Glibc
import Shared

/// `kconsole doctor`: what this machine offers, what falls back and why.
enum DoctorCommand {
    static let verb = Verb(
        "doctor", "Tell what this machine offers, what falls back and why.", isRemote: false,
        notes: "Exit code 0: a cluster can run here, perhaps with what falls back; 1: it can not.", run: run)

    /// One line of the report.
    struct Finding: Equatable, Sendable {
        enum Mark: String, Sendable {
            case good = "ok"
            case less = "less"
            case bad = "no"
        }
        let mark: Mark
        let subject: String
        let text: String
    }

    private static func run(_ call: Invocation) async throws -> Int32 {
        let findings =
            system() + namespaces(call.places) + files(call.places) + network(call.places) + terminal(call.places)
            + programs(call.places) + cluster(call.places)
        let isColoured = Colours.areWanted(call.places)
        for finding in findings {
            let code = finding.mark == .good ? "32" : finding.mark == .less ? "33" : "31"
            let mark = finding.mark.rawValue + String(repeating: " ", count: 5 - finding.mark.rawValue.count)
            let subject = finding.subject + String(repeating: " ", count: max(1, 12 - finding.subject.count))
            call.out((isColoured ? "\u{1B}[\(code)m\(mark)\u{1B}[0m" : mark) + subject + finding.text)
        }
        return findings.contains { $0.mark == .bad } ? 1 : 0
    }

    private static func system() -> [Finding] {
        let release =
            SystemFiles.text("/proc/sys/kernel/osrelease")?.split(separator: "\n").first.map(String.init) ?? ""
        let name =
            (SystemFiles.text("/etc/os-release") ?? "").split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
            .map { $0.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" } } ?? "an unknown system"
        return [
            kernel(release),
            Finding(
                mark: .good, subject: "system",
                text: "\(name), \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors, \(memory()) of memory"),
        ]
    }

    private static func memory() -> String {
        let line = (SystemFiles.text("/proc/meminfo") ?? "").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return "\((kilobytes + 524_288) / 1_048_576) GiB"
    }

    /// Pure. cgroup.kill came with Linux 5.14, the newest call that nothing replaces.
    static func kernel(_ release: String) -> Finding {
        let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        let (major, minor) = (numbers.first ?? 0, numbers.count > 1 ? numbers[1] : 0)
        if (major, minor) >= (5, 14) { return Finding(mark: .good, subject: "kernel", text: "Linux \(release)") }
        return Finding(
            mark: .less, subject: "kernel",
            text: "Linux \(release) is older than 5.14: a machine is ended process by process instead of at once.")
    }

    private static func namespaces(_ places: Places) -> [Finding] {
        guard places.isRoot else {
            let hasSudo = ["/usr/bin/sudo", "/bin/sudo"].contains { SystemFiles.isProgram($0) }
            let way = hasSudo ? "use sudo kconsole up for containers" : "there is no sudo; become root for containers"
            return [
                Finding(
                    mark: .less, subject: "root",
                    text: "not root: nodes and pods are plain processes without networks of their own; \(way).")
            ]
        }
        var findings = [Finding(mark: .good, subject: "root", text: places.caller == nil ? "yes" : "yes, by sudo")]
        do {
            try NodeNetworks.attempt()
            findings.append(
                Finding(
                    mark: .good, subject: "namespaces",
                    text: "network namespaces, bridges and nf_tables rules can be made"))
        } catch {
            findings.append(
                Finding(
                    mark: .less, subject: "namespaces", text: "\(error) Nodes and pods are plain processes instead."))
        }
        return findings
    }

    private static func files(_ places: Places) -> [Finding] {
        var findings: [Finding] = []
        let systems = SystemFiles.text("/proc/filesystems") ?? ""
        findings.append(
            systems.contains("\toverlay\n")
                ? Finding(mark: .good, subject: "overlay", text: "images are shared between containers by overlayfs")
                : Finding(
                    mark: .less, subject: "overlay",
                    text: "the kernel has no overlayfs: each container gets a copy of its image."))
        let groups = NodeCgroups.current()
        switch (groups.unified, groups.roots.count) {
        case (let unified?, 1):
            findings.append(Finding(mark: .good, subject: "cgroups", text: "version 2 at \(unified)"))
        case (let unified?, _):
            findings.append(
                Finding(
                    mark: .good, subject: "cgroups", text: "version 1 with the unified tree at \(unified) beside it"))
        case (nil, 0):
            findings.append(
                Finding(
                    mark: .less, subject: "cgroups",
                    text: "none are mounted: pods run as plain processes without limits."))
        case (nil, _):
            findings.append(
                Finding(mark: .less, subject: "cgroups", text: "version 1 only: a machine is ended process by process.")
            )
        }
        let state = places.state
        var existing = state
        while !SystemFiles.exists(existing), let slash = existing.lastIndex(of: "/"), slash != existing.startIndex {
            existing = String(existing[..<slash])
        }
        findings.append(
            access(existing.isEmpty ? "/" : existing, W_OK) == 0
                ? Finding(mark: .good, subject: "state", text: state)
                : Finding(
                    mark: .bad, subject: "state",
                    text: "\(state) can not be written; choose another folder with --state."))
        return findings
    }

    private static func network(_ places: Places) -> [Finding] {
        var findings: [Finding] = []
        let record = places.running
        if let record {
            findings.append(
                Finding(mark: .good, subject: "port", text: "the cluster's master listens on 127.0.0.1:\(record.port)"))
        } else {
            do {
                let listener = try Listener.tcp(host: "127.0.0.1", port: 6443)
                listener.close()
                findings.append(Finding(mark: .good, subject: "port", text: "6443 is free for the master"))
            } catch {
                findings.append(
                    Finding(mark: .less, subject: "port", text: "6443 is in use: the master listens on another port."))
            }
        }
        if places.isRoot, record == nil, let routes = try? NodeNetworks.routes() {
            for (what, blocks) in [
                ("nodes", AddressPlan.machineBlocks), ("services", AddressPlan.serviceBlocks),
                ("pods", AddressPlan.podBlocks),
            ] {
                guard let free = AddressPlan.free(blocks, avoiding: routes) else {
                    findings.append(
                        Finding(
                            mark: .bad, subject: "addresses",
                            text: "no block for \(what) is free; disconnect a VPN or use --runtime process."))
                    continue
                }
                let note = free == blocks.first ? "" : " (the usual \(blocks[0]) is routed by this machine)"
                findings.append(Finding(mark: .good, subject: "addresses", text: "\(what) get \(free)\(note)"))
            }
        }
        if SystemFiles.text("/proc/sys/net/bridge/bridge-nf-call-iptables")?.hasPrefix("1") == true {
            findings.append(
                Finding(
                    mark: .less, subject: "bridges",
                    text:
                        "bridged packets pass the machine's firewall (br_netfilter); if nodes do not reach each other, look there."
                ))
        }
        return findings
    }

    private static func terminal(_ places: Places) -> [Finding] {
        let term = places.environment["TERM"] ?? ""
        guard isatty(STDOUT_FILENO) == 1, !term.isEmpty, term != "dumb" else {
            return [
                Finding(mark: .less, subject: "terminal", text: "none here: the console needs one, commands do not.")
            ]
        }
        let size = RawTerminal.size().map { "\($0.width)×\($0.height)" } ?? "of unknown size"
        let locale = places.environment["LC_ALL"] ?? places.environment["LC_CTYPE"] ?? places.environment["LANG"] ?? ""
        let isUTF8 = locale.lowercased().contains("utf")
        return [
            Finding(mark: .good, subject: "terminal", text: "\(term), \(size)"),
            isUTF8
                ? Finding(mark: .good, subject: "locale", text: locale)
                : Finding(
                    mark: .less, subject: "locale",
                    text:
                        "\(locale.isEmpty ? "none is set" : locale): frames are drawn with plain characters; set LANG=C.UTF-8 for lines."
                ),
        ]
    }

    private static func programs(_ places: Places) -> [Finding] {
        ["kmaster", "kagent", "kotoshim"].map { name in
            do { return Finding(mark: .good, subject: name, text: try places.program(name)) } catch {
                return Finding(mark: .bad, subject: name, text: "\(error)")
            }
        }
    }

    private static func cluster(_ places: Places) -> [Finding] {
        guard let record = places.running else {
            return [Finding(mark: .good, subject: "cluster", text: "none runs here; kconsole up starts one")]
        }
        let cluster = LocalCluster(record: record, places: places, clock: SystemClock(), say: { _ in })
        let isVisible = places.isRoot || record.runtime == .process
        guard isVisible else {
            return [Finding(mark: .good, subject: "cluster", text: "one of root's, state in \(record.state)")]
        }
        let running = cluster.runningMachines.count
        return [
            cluster.master == nil
                ? Finding(
                    mark: .less, subject: "cluster",
                    text: "its master does not run; kconsole up starts what is missing.")
                : Finding(
                    mark: .good, subject: "cluster",
                    text:
                        "\(running) of \(record.machines.count) nodes on, runtime \(record.runtime.rawValue), state in \(record.state)"
                )
        ]
    }
}
