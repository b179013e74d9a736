import Glibc

/// The default seccomp profile as a BPF program: everything is allowed but what reaches around the container, in the
/// spirit of Docker's and containerd's default. Refused calls give EPERM; calls newer than the table, ENOSYS, so that
/// programs fall back. Source: man 2 seccomp, Docker's "Significant syscalls blocked by the default profile".
struct Seccomp: Sendable {
    /// One processor's numbers.
    struct Table: Sendable {
        /// AUDIT_ARCH_… of `seccomp_data.arch`.
        let architecture: UInt32
        /// Calls that are always refused.
        let refused: [UInt32]
        /// Calls that CAP_SYS_ADMIN allows.
        let administrative: [UInt32]
        let clone: UInt32
        let socket: UInt32
        /// A second number space above this bit (x32) is refused; 0: none.
        let otherSpace: UInt32
    }
    /// Newest call that is known here; those above give ENOSYS.
    static let newest: UInt32 = 470
    private static let clone3: UInt32 = 435

    static let amd64 = Table(
        architecture: 0xC000_003E,
        refused: [
            134, 136, 139, 153, 156, 163, 164, 167, 168, 169, 172, 173, 174, 175, 176, 177, 178, 180, 212, 227, 237,
            238, 246, 248, 249, 250, 256, 279, 298, 304, 305, 313, 320, 323, 425, 426, 427, 450,
        ],
        administrative: [
            103, 155, 165, 166, 170, 171, 179, 272, 300, 308, 321, 428, 429, 430, 431, 432, 433, 442, 443,
        ],
        clone: 56, socket: 41, otherSpace: 0x4000_0000)
    static let arm64 = Table(
        architecture: 0xC000_00B7,
        refused: [
            18, 42, 58, 89, 104, 105, 106, 112, 142, 170, 217, 218, 219, 224, 225, 235, 237, 238, 239, 241, 265, 266,
            273, 282, 294, 425, 426, 427, 450,
        ],
        administrative: [39, 40, 41, 60, 97, 116, 161, 162, 262, 268, 280, 428, 429, 430, 431, 432, 433, 442, 443],
        clone: 220, socket: 198, otherSpace: 0)

    #if arch(x86_64)
        static let native = amd64
    #elseif arch(arm64)
        static let native = arm64
    #endif

    /// The program, one `struct sock_filter` a word.
    static func program(_ table: Table, capabilities: Capabilities) -> [UInt64] {
        let isAdmin = capabilities.contains("SYS_ADMIN")
        let refuse = ret(0x0005_0000 | UInt32(EPERM))
        let missing = ret(0x0005_0000 | UInt32(ENOSYS))
        let allow = ret(0x7FFF_0000)
        var program = [load(4), equal(table.architecture, yes: 1, no: 0), refuse, load(0)]
        if table.otherSpace != 0 { program += [atLeast(table.otherSpace, yes: 0, no: 1), missing] }
        program += [atLeast(newest + 1, yes: 0, no: 1), missing]
        var refused = table.refused
        if !isAdmin { refused += table.administrative }
        for number in refused.sorted() { program += [equal(number, yes: 0, no: 1), refuse] }
        if !isAdmin {
            program += [equal(clone3, yes: 0, no: 1), missing]
            // clone(2) with a namespace flag.
            program += [equal(table.clone, yes: 0, no: 4), load(16), anyBit(0x7E02_0000, yes: 0, no: 1), refuse, allow]
        }
        // socket(2) of AF_ALG and AF_VSOCK, which reach the kernel's crypto and the hypervisor.
        program += [
            equal(table.socket, yes: 0, no: 4), load(16), equal(38, yes: 1, no: 0), equal(40, yes: 0, no: 1), refuse,
        ]
        return program + [allow]
    }

    private static func word(_ code: UInt16, _ yes: UInt8, _ no: UInt8, _ value: UInt32) -> UInt64 {
        UInt64(code) | UInt64(yes) << 16 | UInt64(no) << 24 | UInt64(value) << 32
    }
    private static func load(_ offset: UInt32) -> UInt64 { word(0x20, 0, 0, offset) }
    private static func equal(_ value: UInt32, yes: UInt8, no: UInt8) -> UInt64 { word(0x15, yes, no, value) }
    private static func atLeast(_ value: UInt32, yes: UInt8, no: UInt8) -> UInt64 { word(0x35, yes, no, value) }
    private static func anyBit(_ value: UInt32, yes: UInt8, no: UInt8) -> UInt64 { word(0x45, yes, no, value) }
    private static func ret(_ value: UInt32) -> UInt64 { word(0x06, 0, 0, value) }
}
