import Glibc
import Shared
import Testing

@testable import Agent

struct ReferenceTests {
    @Test(arguments: [
        ("nginx", "docker.io/library/nginx:latest"), ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("user/app", "docker.io/user/app:latest"), ("localhost/host", "localhost/host:latest"),
        ("registry.example:5000/a/b:v1", "registry.example:5000/a/b:v1"),
        ("index.docker.io/library/x", "docker.io/library/x:latest"),
        (
            "q.io/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "q.io/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        ),
    ]) func `an image name has one normal form`(text: String, normal: String) throws {
        #expect(try Reference(text).description == normal)
    }

    @Test(arguments: ["", "UPPER", "a//b", "a:", "a:b c", "../x", "a@sha256:12", "-a", "a/../b", "x:\u{0}"])
    func `what is no image name is refused`(text: String) {
        #expect(throws: RuntimeFailure.self) { try Reference(text) }
    }
}

struct TarReaderTests {
    private func reader(_ bytes: [UInt8], piece: Int = 7) -> TarReader {
        var rest = bytes[...]
        return TarReader { most in
            let part = rest.prefix(min(most, piece))
            rest = rest.dropFirst(part.count)
            return Array(part)
        }
    }

    @Test func `files, folders and links are read piece by piece`() throws {
        var tar = TarFixture()
        tar.add("a/", type: "5")
        tar.add("a/file", text: "hello")
        tar.add("a/link", type: "2", link: "file")
        var reader = reader(tar.archive)
        #expect(try reader.next()?.kind == .folder)
        #expect(try reader.next()?.path == "a/file")
        #expect(try reader.body(most: 100) == Array("hello".utf8))
        #expect(try reader.next()?.linkTarget == "file")
        #expect(try reader.next() == nil)
    }

    @Test func `pax and GNU headers give long names`() throws {
        var tar = TarFixture()
        let long = String(repeating: "x", count: 150)
        tar.add("pax", type: "x", text: "160 path=\(long)\n")
        tar.add("short", text: "1")
        tar.add("././@LongLink", type: "L", text: long + "\0")
        tar.add("short", text: "2")
        var reader = reader(tar.archive)
        #expect(try reader.next()?.path == long)
        #expect(try reader.next()?.path == long)
    }

    @Test func `damaged and sparse archives are refused`() throws {
        var tar = TarFixture()
        tar.add("file", text: "hello")
        var damaged = tar.archive
        damaged[0] = 0x7A
        var first = reader(damaged)
        #expect(throws: ArchiveError.self) { try first.next() }
        var short = reader(Array(tar.bytes.prefix(600)))
        #expect(throws: (any Error).self) {
            _ = try short.next()
            _ = try short.next()
        }
        var sparse = TarFixture()
        sparse.add("s", type: "S")
        var third = reader(sparse.archive)
        #expect(throws: ArchiveError.self) { try third.next() }
    }

    @Test func `random bytes never trap`() {
        var seed: UInt64 = 42
        var tar = TarFixture()
        tar.add("a", text: "hello")
        tar.add("pax", type: "x", text: "12 path=abc\n")
        tar.add("b")
        for _ in 0..<2000 {
            var bytes = tar.archive
            for _ in 0..<4 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 24)
            }
            var reader = reader(bytes, piece: 512)
            _ = try? { while try reader.next() != nil {} }()
        }
    }
}

struct UserTests {
    private let passwd = "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:/bin/false\n"
    private let group = "root:x:0:\nwww:x:34:\nmedia:x:50:web\n"

    @Test(arguments: [
        ("", 0, 0, "/root"), ("web", 33, 34, "/var/www"), ("web:media", 33, 50, "/var/www"), ("1000", 1000, 0, "/"),
        ("1000:2000", 1000, 2000, "/"),
    ]) func `the image's user is found in its own files`(user: String, uid: UInt32, gid: UInt32, home: String) throws {
        let found = try ImageUser(ContainerUser(), image: user, passwd: passwd, group: group)
        #expect((found.uid, found.gid, found.home) == (uid, gid, home))
    }

    @Test func `an unknown user is a sentence`() {
        #expect(throws: RuntimeFailure.self) {
            try ImageUser(ContainerUser(), image: "nobody-knows", passwd: passwd, group: group)
        }
    }
}

@Suite(.enabled(if: geteuid() == 0, "needs root: files of an image have owners"))
struct ImportTests {
    private static func folder() throws -> String {
        let path = "/var/tmp/koto-images-\(getpid())-\(UInt32.random(in: 0..<1_000_000))"
        try Files.makeFolder(path)
        return path
    }

    /// A docker archive with one image of these layers.
    private func archive(_ layers: [[UInt8]], diffs: [[UInt8]]? = nil) throws -> [UInt8] {
        let digests = (diffs ?? layers).map { JSON(Digest.text(SHA256.hash($0))) }
        let config: JSON = [
            "config": ["Cmd": ["/bin/app"], "Env": ["A=b"], "User": "1000"],
            "rootfs": ["type": "layers", "diff_ids": .array(digests)],
        ]
        let manifest: JSON = [
            [
                "Config": "config.json", "RepoTags": ["test/app:v1"],
                "Layers": .array(layers.indices.map { JSON("layer\($0).tar") }),
            ]
        ]
        var tar = TarFixture()
        tar.add("manifest.json", text: manifest.text)
        tar.add("config.json", text: config.text)
        for (index, layer) in layers.enumerated() {
            var fixture = TarFixture()
            fixture.add("layer\(index).tar", text: String(decoding: layer, as: UTF8.self))
            tar.append(fixture)
        }
        return tar.archive
    }

    private func run(_ archive: [UInt8], _ body: (ImageStore, Result<[ImageInfo], RuntimeFailure>) throws -> Void)
        throws
    {
        let folder = try ImportTests.folder()
        defer { Files.removeAll(folder) }
        try Files.replace(folder + "/image.tar", archive)
        let store = ImageStore(folder: folder + "/images")
        let result = Result { () throws(RuntimeFailure) in try ImageImport.run(folder + "/image.tar", into: store) }
        try body(store, result)
    }

    @Test func `an archive becomes an image with its layers`() throws {
        var lower = TarFixture()
        lower.add("etc/passwd", text: "root:x:0:0::/root:/bin/sh\n")
        lower.add("gone", text: "x")
        var upper = TarFixture()
        upper.add(".wh.gone")
        upper.add("bin/app", text: "#!/bin/sh\n", mode: 0o755)
        try run(try archive([lower.archive, upper.archive])) { store, result in
            let image = try #require(try result.get().first)
            #expect(image.reference == "docker.io/test/app:v1")
            #expect(image.command == ["/bin/app"])
            let layers = try store.layers(image)
            #expect(layers.count == 2)
            #expect(Files.text(store.layerFolder + "/" + layers[0] + "/bin/app") == "#!/bin/sh\n")
            var info = stat()
            #expect(lstat(store.layerFolder + "/" + layers[0] + "/gone", &info) == 0)
            #expect(info.st_mode & S_IFMT == S_IFCHR)
            try store.remove("test/app:v1")
            #expect(Files.names(store.layerFolder).isEmpty)
        }
    }

    @Test func `a layer with another digest leaves nothing behind`() throws {
        var layer = TarFixture()
        layer.add("file", text: "1")
        var other = TarFixture()
        other.add("file", text: "2")
        try run(try archive([layer.archive], diffs: [other.archive])) { store, result in
            #expect(throws: RuntimeFailure.self) { try result.get() }
            #expect(Files.names(store.layerFolder).isEmpty)
            #expect(store.records().isEmpty)
        }
    }

    @Test func `no entry leads out of the layer`() throws {
        let outside = "/var/tmp/koto-outside-\(getpid())"
        var layer = TarFixture()
        layer.add("out", type: "2", link: "/var/tmp")
        layer.add("out/koto-outside-\(getpid())", text: "escaped")
        layer.add("up", type: "2", link: "../../../../../../var/tmp")
        layer.add("up/koto-outside-\(getpid())", text: "escaped")
        layer.add("hard", type: "1", link: "etc/../x")
        try run(try archive([layer.archive])) { store, result in
            #expect(throws: RuntimeFailure.self) { try result.get() }
            #expect(!Files.exists(outside))
        }
        var dots = TarFixture()
        dots.add("../../koto-outside-\(getpid())", text: "escaped")
        try run(try archive([dots.archive])) { _, result in
            #expect(throws: RuntimeFailure.self) { try result.get() }
            #expect(!Files.exists(outside))
        }
    }
}
