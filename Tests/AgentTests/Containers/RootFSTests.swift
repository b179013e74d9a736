import Shared
import Testing

@testable import Agent

struct RootFSTests {
    private func steps(_ change: (inout RootFS) -> Void = { _ in }) -> [ShimMessage] {
        var root = RootFS(
            mountPoint: "/run/x/root",
            root: .overlay(folder: "/layers", layers: ["b", "a"], writable: .disk(upper: "/u", work: "/w")),
            sharedMemory: "/run/x/shm")
        change(&root)
        return root.steps()
    }

    @Test func `sources are opened before the root changes and attached after it`() throws {
        let steps = steps { $0.mounts = [ContainerMount(source: .host(path: "/v"), path: "/data", readOnly: true)] }
        let root = try #require(steps.firstIndex { $0.verb == "root" })
        #expect(steps.indices.filter { steps[$0].verb == "tree" }.allSatisfy { $0 < root })
        #expect(steps.indices.filter { steps[$0].verb == "attach" }.allSatisfy { $0 > root })
        let volume = try #require(steps.first { $0.text("source") == "/v" })
        #expect(volume.number("flags") == 5)
    }

    @Test func `layers are stacked with the uppermost first`() throws {
        let overlay = try #require(steps().first { $0.text("type") == "overlay" })
        #expect(overlay.text("data") == "lowerdir=b:a,upperdir=/u,workdir=/w")
    }

    @Test func `a privileged container sees all of proc`() {
        #expect(steps().contains { $0.verb == "mask" })
        #expect(!steps { $0.isPrivileged = true }.contains { $0.verb == "mask" })
    }

    @Test func `a later environment entry wins at the first one's place`() {
        #expect(Environment.merged(["A=1", "B=2", "A=3", "=x", "broken"]) == ["A=3", "B=2"])
    }

    @Test func `the host's system has no private folder`() {
        let sources = HostSystem.current(agent: nil).trees.map(\.source)
        for path in ["/root", "/home", "/tmp", "/var", "/run", "/etc", "/etc/shadow", "/"] {
            #expect(!sources.contains(path))
        }
    }
}
