/// Sets of capabilities as the kernel's bits. Source: man 7 capabilities.
struct Capabilities: Equatable, Sendable {
    private(set) var bits: UInt64

    static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]
    static let all = Capabilities(bits: (1 << UInt64(names.count)) - 1)
    /// containerd's default without MKNOD: device files of a container are useless here in any case (`nodev`), and one
    /// left in a hostPath folder must not become the node's.
    static let standard = Capabilities(named: [
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
        "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
    ])

    private init(bits: UInt64) { self.bits = bits }
    /// Unknown names are left out.
    init(named names: [String]) {
        bits = names.reduce(0) { $0 | (Capabilities.bit($1) ?? 0) }
    }

    func contains(_ name: String) -> Bool { bits & (Capabilities.bit(name) ?? 0) != 0 }

    /// Drops first, then adds, so that `drop: ALL, add: X` leaves X. Source: Kubernetes `securityContext.capabilities`.
    func changed(by change: CapabilityChange) -> Capabilities {
        var result = self
        for name in change.drop { result.bits &= ~(name.uppercased() == "ALL" ? .max : Capabilities.bit(name) ?? 0) }
        for name in change.add {
            result.bits |= name.uppercased() == "ALL" ? Capabilities.all.bits : Capabilities.bit(name) ?? 0
        }
        return result
    }

    private static func bit(_ name: String) -> UInt64? {
        let plain = name.uppercased()
        let short = plain.hasPrefix("CAP_") ? String(plain.dropFirst(4)) : plain
        return names.firstIndex(of: short).map { 1 << UInt64($0) }
    }
}

/// `securityContext.capabilities`: names without `CAP_`, in capitals; `ALL` means each one.
struct CapabilityChange: Sendable, Equatable {
    var add: [String] = []
    var drop: [String] = []
}
