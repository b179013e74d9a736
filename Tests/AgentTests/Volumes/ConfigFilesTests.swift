import Glibc
import Shared
import Testing

@testable import Agent

struct ConfigFilesTests {
    @Test(arguments: ["../x", "/x", "a/../b", "", "a//b", "..data"])
    func `a path that leads out of the volume is refused`(path: String) { #expect(!ConfigFiles.isSafe(path)) }

    @Test func `a missing key has the text of the kubelet`() {
        #expect(throws: ConfigError("configmap references non-existent config key: nokey")) {
            try ConfigFiles.files(
                kind: "configmap", name: "cm", object: ["data": ["a": "alpha"]],
                items: [["key": "nokey", "path": "p"]], optional: false, mode: 0o644)
        }
    }

    @Test func `files change all at once and old ones go`() throws {
        var template = Array("/tmp/atomic-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { Files.removeAll(path) }
        let folder = AtomicFolder(path: path, group: nil)
        let alpha = VolumeFile(bytes: Array("alpha".utf8), mode: 0o644)
        #expect(try folder.write(["a": alpha, "b/c": alpha], version: "1"))
        #expect(try !folder.write(["a": alpha, "b/c": alpha], version: "2"))
        #expect(Files.text(path + "/b/c") == "alpha")
        let beta = VolumeFile(bytes: Array("beta".utf8), mode: 0o600)
        #expect(try folder.write(["a": beta], version: "3"))
        #expect(Files.text(path + "/a") == "beta")
        #expect(Files.names(path) == ["..3", "..data", "a"])
    }
}
