import Glibc
import Shared
import Testing

@testable import Agent

/// These tests need root and a kernel that allows namespaces; elsewhere they are skipped, and say so.
private let isRoot = geteuid() == 0

/// A node of its own with its own state, run folder and cgroup, which takes everything away again.
struct TestNode {
    let name = "test-\(getpid())-\(UInt32.random(in: 0..<1_000_000))"
    let folders: RuntimeFolders
    let runtime: any Runtime
    let reason: String

    init(wanted: RuntimeKind = .linux, state: String = "/var/tmp") async throws {
        folders = RuntimeFolders(state: state + "/koto-" + name, run: "/run/koto-" + name)
        let choice = try await RuntimeChoice.make(
            wanted: wanted, folders: folders, cgroup: "kotohajime/" + name, shim: TestNode.shim,
            clock: SystemClock(), log: Log("test", threshold: .warning))
        runtime = choice.runtime
        reason = choice.reason
    }

    static var shim: ShimProgram? {
        ShimProgram.beside() ?? ShimProgram.beside(program: CommandLine.arguments.first)
    }

    func sandbox(_ uid: String, _ change: (inout SandboxConfig) -> Void = { _ in }) async throws -> SandboxInfo {
        var config = SandboxConfig(
            uid: uid, namespace: "default", name: "pod", hostname: "web-0", cgroup: "kotohajime/\(name)/\(uid)")
        change(&config)
        return try await runtime.createSandbox(config)
    }

    func container(
        _ uid: String, _ argv: [String], attempt: Int = 0, _ change: (inout ContainerConfig) -> Void = { _ in }
    )
        async throws -> ContainerState
    {
        let image = try await runtime.ensureImage("localhost/host", policy: .ifNotPresent, credentials: [])
        var config = ContainerConfig(
            name: "main", attempt: attempt, image: image, argv: argv, environment: [],
            logPath: folders.state + "/logs/main-\(attempt).log")
        change(&config)
        return try await runtime.startContainer(config, in: uid)
    }

    /// Runs a script to its end: its exit and its log's text without the time and tag.
    func run(
        _ script: String, _ change: (inout ContainerConfig) -> Void = { _ in },
        sandbox: (inout SandboxConfig) -> Void = { _ in }
    )
        async throws -> (exit: ContainerExit, output: String)
    {
        let uid = "pod-\(UInt32.random(in: 0..<1_000_000))"
        _ = try await self.sandbox(uid, sandbox)
        let events = runtime.events()
        let started = try await container(uid, ["/bin/sh", "-c", script], change)
        let exit = try await TestNode.exit(of: started.id, events)
        let text = Files.text(started.logPath) ?? ""
        try await runtime.removeSandbox(uid)
        unlink(started.logPath)
        let lines = text.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 3).last ?? "" }
        return (exit, lines.joined(separator: "\n"))
    }

    static func exit(of id: ContainerID, _ events: AsyncStream<RuntimeEvent>) async throws -> ContainerExit {
        for await event in events {
            if case .exited(let state) = event, state.id == id { return try #require(state.exit) }
        }
        throw RuntimeFailure(.runtime, "the events ended")
    }

    func close() async {
        for sandbox in await runtime.sandboxes() { try? await runtime.removeSandbox(sandbox.uid) }
        _ = Cgroups.current().remove("kotohajime/" + name)
        Files.removeAll(folders.state)
        Files.removeAll(folders.run)
    }

    static func with(_ wanted: RuntimeKind = .linux, _ body: (TestNode) async throws -> Void) async throws {
        let node = try await TestNode(wanted: wanted)
        do { try await body(node) } catch {
            await node.close()
            throw error
        }
        await node.close()
        #expect(!Files.exists(node.folders.state))
    }
}

@Suite(.enabled(if: isRoot, "needs root: run the tests with sudo to try real containers"), .serialized)
struct ContainerTests {
    @Test func `a pod has its own hostname, processes and network`() async throws {
        try await TestNode.with { node in
            let (exit, output) = try await node.run(
                "hostname; echo $$; ls /proc | grep -c '^[0-9]'; ls /sys/class/net; id -u; cat /etc/hostname")
            #expect(exit.code == 0)
            let lines = output.split(separator: "\n")
            #expect(lines.first == "web-0")
            #expect(lines.dropFirst().first == "1")
            #expect(lines.contains("lo"))
            #expect(lines.last == "web-0")
        }
    }

    @Test func `a root pod sees nothing of the node but its system`() async throws {
        try await TestNode.with { node in
            try Files.makeFolder(node.folders.state)
            try Files.replace(node.folders.state + "/secret", Array("hidden".utf8))
            let script = """
                cat /etc/shadow; ls -A /root; ls -A /home; ls -A /tmp; ls -A /run; cat \(node.folders.state)/secret
                mknod /tmp/disk b 254 0 2>/dev/null; dd if=/tmp/disk count=1 2>/dev/null | wc -c
                mknod /dev/disk b 254 0 2>/dev/null; dd if=/dev/disk count=1 2>/dev/null | wc -c
                mount -t tmpfs none /mnt 2>/dev/null || echo no mount
                touch /usr/x 2>/dev/null || echo read only
                echo 1 > /proc/sys/kernel/panic 2>/dev/null || echo masked
                """
            let (_, output) = try await node.run(script) { $0.capabilities.add = ["MKNOD"] }
            #expect(!output.contains("root:"))
            #expect(!output.contains("hidden"))
            #expect(output.contains("no mount"))
            #expect(output.contains("read only"))
            #expect(output.contains("masked"))
            #expect(output.split(separator: "\n").filter { $0 == "0" }.count == 2)
        }
    }

    @Test func `a container over its memory limit is killed and says so`() async throws {
        try await TestNode.with { node in
            let (exit, _) = try await node.run("exec tail /dev/zero") { $0.limits.memoryBytes = 32 << 20 }
            #expect(exit.code == 137)
            #expect(exit.oomKilled)
        }
    }

    @Test func `the log has one line in CRI format for each line`() async throws {
        try await TestNode.with { node in
            _ = try await node.sandbox("logs")
            let events = node.runtime.events()
            let state = try await node.container(
                "logs", ["sh", "-c", "echo out; echo err >&2; printf tail; echo bye > /dev/termination-log"])
            let exit = try await TestNode.exit(of: state.id, events)
            let lines = (Files.text(state.logPath) ?? "").split(separator: "\n")
            #expect(lines.contains { $0.hasSuffix(" stdout F out") })
            #expect(lines.contains { $0.hasSuffix(" stderr F err") })
            #expect(lines.contains { $0.hasSuffix(" stdout F tail") })
            #expect(lines.allSatisfy { Timestamp(rfc3339: $0.prefix { $0 != " " }) != nil })
            #expect(exit.message == "bye\n")
        }
    }

    @Test func `a program that does not exist is a failure to start`() async throws {
        try await TestNode.with { node in
            _ = try await node.sandbox("bad")
            await #expect(throws: RuntimeFailure.self) { _ = try await node.container("bad", ["/no/such/program"]) }
            let state = try #require(await node.runtime.sandboxes().first { $0.uid == "bad" })
            #expect(state.containers.first?.exit?.code == 128)
        }
    }

    @Test func `exec runs in the container and gives streams and exit code`() async throws {
        try await TestNode.with { node in
            _ = try await node.sandbox("exec")
            let state = try await node.container("exec", ["sleep", "1000"])
            let result = try await node.runtime.execProbe(
                ["sh", "-c", "hostname; cat /proc/1/comm; exit 3"], in: state.id, timeout: .seconds(20))
            #expect(result.exitCode == 3)
            #expect(String(decoding: result.output, as: UTF8.self) == "web-0\nsleep\n")
            let session = try await node.runtime.exec(ExecRequest(argv: ["cat"], stdin: true), in: state.id)
            try await session.write(Array("hello".utf8))
            #expect(try await session.output.next() == Array("hello".utf8))
            session.closeInput()
            #expect(await session.exitCode() == 0)
            session.close()
            let terminal = try await node.runtime.exec(ExecRequest(argv: ["tty"], stdin: true, tty: true), in: state.id)
            terminal.resize(rows: 40, columns: 100)
            #expect(String(decoding: try await terminal.output.next() ?? [], as: UTF8.self).contains("/dev/pts/"))
            #expect(await terminal.exitCode() == 0)
            terminal.close()
            let late = try await node.runtime.execProbe(["sleep", "100"], in: state.id, timeout: .milliseconds(50))
            #expect(late.exitCode == nil)
        }
    }

    @Test func `pods outlive the runtime that started them and are found again`() async throws {
        try await TestNode.with { node in
            _ = try await node.sandbox("kept")
            let state = try await node.container(
                "kept", ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"])
            let second = try await RuntimeChoice.make(
                wanted: .linux, folders: node.folders, cgroup: "kotohajime/" + node.name,
                shim: TestNode.shim,
                clock: SystemClock(), log: Log("test")
            ).runtime
            let found = try #require(await second.sandboxes().first { $0.uid == "kept" })
            #expect(found.isAlive)
            #expect(found.containers.first?.pid == state.pid)
            #expect(found.containers.first?.phase == .running)
            let events = second.events()
            try await second.stopContainer(state.id, grace: .seconds(20))
            #expect(try await TestNode.exit(of: state.id, events).code == 7)
            let stats = try #require(await second.stats("kept"))
            #expect(stats.pod.pids >= 1)
            kill(found.shimPID, SIGKILL)
            for await event in events where event == .sandboxLost(uid: "kept") { break }
            #expect(await second.sandboxes().first { $0.uid == "kept" }?.isAlive == false)
        }
    }

    @Test func `volumes, users and read-only roots are as asked for`() async throws {
        try await TestNode.with { node in
            try Files.makeFolder(node.folders.state + "/volume")
            try Files.replace(node.folders.state + "/volume/file", Array("data\n".utf8))
            chmod(node.folders.state + "/volume/file", 0o644)
            let (exit, output) = try await node.run(
                "cat /data/file; id -u; id -g; touch /x 2>/dev/null || echo ro; touch /data/y 2>/dev/null || echo ro volume; touch /scratch/z && echo scratch; grep CapEff /proc/self/status"
            ) {
                $0.user = ContainerUser(uid: 1000, gid: 2000, supplementalGroups: [3000])
                $0.readOnlyRoot = true
                $0.noNewPrivileges = true
                $0.mounts = [
                    ContainerMount(source: .host(path: node.folders.state + "/volume"), path: "/data", readOnly: true),
                    ContainerMount(source: .memory(bytes: 1 << 20), path: "/scratch"),
                ]
            }
            #expect(exit.code == 0)
            for line in ["data", "1000", "2000", "ro", "ro volume", "scratch"] {
                #expect(output.split(separator: "\n").contains(Substring(line)))
            }
            #expect(output.contains("0000000000000000"))
        }
    }

    @Test func `containers of a pod may share their processes`() async throws {
        try await TestNode.with { node in
            let (_, output) = try await node.run("cat /proc/1/comm; echo $$") { _ in
            } sandbox: {
                $0.sharesProcesses = true
            }
            #expect(output.split(separator: "\n").first == "kotoshim")
        }
    }

    @Test func `a container starts within milliseconds`() async throws {
        try await TestNode.with { node in
            var times: [Double] = []
            let clock = SystemClock()
            for index in 0..<20 {
                let uid = "fast-\(index)"
                let begin = clock.uptime()
                _ = try await node.sandbox(uid)
                let made = clock.uptime()
                _ = try await node.container(uid, ["sleep", "1000"])
                let end = clock.uptime()
                times.append((end - begin).inSeconds * 1000)
                if index == 10 {
                    print(
                        "sandbox \((made - begin).inSeconds * 1000) ms, container \((end - made).inSeconds * 1000) ms")
                }
                try await node.runtime.removeSandbox(uid)
            }
            print("pod start, median of 20: \(times.sorted()[10]) ms")
            #expect(times.sorted()[10] < 1000)
        }
    }
}

struct ProcessTests {
    @Test func `plain processes run, log, answer exec and end with their pod`() async throws {
        try await TestNode.with(.process) { node in
            _ = try await node.sandbox("plain")
            let events = node.runtime.events()
            let state = try await node.container("plain", ["sh", "-c", "echo hi; sleep 1000 & exec sleep 1000"])
            let result = try await node.runtime.execProbe(["sh", "-c", "echo in"], in: state.id, timeout: .seconds(20))
            #expect(String(decoding: result.output, as: UTF8.self) == "in\n")
            try await node.runtime.stopContainer(state.id, grace: .seconds(10))
            #expect(try await TestNode.exit(of: state.id, events).code == 143)
            #expect((Files.text(state.logPath) ?? "").hasSuffix(" stdout F hi\n"))
        }
    }
}
