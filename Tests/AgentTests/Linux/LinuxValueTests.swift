import Testing

@testable import Agent

struct CapabilitiesTests {
    @Test func `dropping all and adding one leaves one`() {
        let left = Capabilities.standard.changed(by: CapabilityChange(add: ["NET_BIND_SERVICE"], drop: ["ALL"]))
        #expect(left == Capabilities(named: ["CAP_NET_BIND_SERVICE"]))
    }
    @Test func `the kernel's numbers are right at both ends`() {
        #expect(Capabilities(named: ["CHOWN"]).bits == 1)
        #expect(Capabilities(named: ["CHECKPOINT_RESTORE"]).bits == 1 << 40)
    }
}

struct SeccompTests {
    /// Runs the program as the kernel does, for the instructions that it has.
    private func verdict(_ program: [UInt64], number: UInt32, first: UInt32 = 0, arch: UInt32) -> UInt32? {
        var value: UInt32 = 0
        var index = 0
        while index < program.count {
            let word = program[index]
            let operand = UInt32(word >> 32)
            let (yes, no) = (Int(word >> 16 & 0xFF), Int(word >> 24 & 0xFF))
            index += 1
            switch UInt16(truncatingIfNeeded: word) {
            case 0x20: value = operand == 0 ? number : operand == 4 ? arch : first
            case 0x15: index += value == operand ? yes : no
            case 0x35: index += value >= operand ? yes : no
            case 0x45: index += value & operand != 0 ? yes : no
            case 0x06: return operand
            default: return nil
            }
        }
        return nil
    }

    @Test(arguments: [
        (UInt32(0), UInt32(0), UInt32(0x7FFF_0000)), (165, 0, 0x0005_0001), (435, 0, 0x0005_0026),
        (9999, 0, 0x0005_0026),
        (56, 0x11, 0x7FFF_0000), (56, 0x1000_0000, 0x0005_0001), (41, 2, 0x7FFF_0000), (41, 40, 0x0005_0001),
        (41, 38, 0x0005_0001), (0x4000_0001, 0, 0x0005_0026),
    ]) func `calls get their verdict on x86-64`(number: UInt32, first: UInt32, expected: UInt32) {
        let program = Seccomp.program(Seccomp.amd64, capabilities: .standard)
        #expect(verdict(program, number: number, first: first, arch: 0xC000_003E) == expected)
        #expect(verdict(program, number: number, first: first, arch: 1) == 0x0005_0001)
    }

    @Test func `an administrator may mount on arm64`() {
        let admin = Seccomp.program(Seccomp.arm64, capabilities: .all)
        #expect(verdict(admin, number: 40, arch: 0xC000_00B7) == 0x7FFF_0000)
        #expect(verdict(admin, number: 104, arch: 0xC000_00B7) == 0x0005_0001)
        let standard = Seccomp.program(Seccomp.arm64, capabilities: .standard)
        #expect(verdict(standard, number: 40, arch: 0xC000_00B7) == 0x0005_0001)
    }
}

struct CgroupsTests {
    @Test func `both kinds of trees are found`() {
        let mounts = """
            30 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """
        let found = Cgroups(mounts: mounts)
        #expect(found.unified == "/sys/fs/cgroup/unified")
        #expect(found.controllers["cpuacct"] == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(found.processFiles("a/b").count == 3)
        #expect(!Cgroups(mounts: "nonsense - x").isUsable)
    }
}
