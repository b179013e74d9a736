import Foundation
import Shared
import TestKit
import Testing

@testable import Console

struct TarTests {
    /// A folder with an empty folder, a program, long names, a link and a file larger than one piece.
    private func sample(in folder: String) throws {
        let long = String(repeating: "long-name-", count: 20)
        for path in ["a/b", "empty", long] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
        }
        try Data("hello\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/a/b/hello.txt"))
        try Data().write(to: URL(fileURLWithPath: "\(folder)/\(long)/日本語"))
        try Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(
            to: URL(fileURLWithPath: "\(folder)/large"))
        chmod("\(folder)/large", 0o755)
        symlink("a/b/hello.txt", "\(folder)/link")
    }
    private func archive(_ folder: String, to file: String) throws -> [UInt8] {
        let reader = try FolderReader(folder)
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        #expect(reader.write(to: descriptor))
        close(descriptor)
        let bytes = [UInt8](FileManager.default.contents(atPath: file) ?? Data())
        #expect(bytes.count == reader.size)
        return bytes
    }

    @Test(arguments: [1, 511, 512, 70_000, 10_000_000])
    func `a folder that was packed is unpacked as it was, in pieces of any size`(piece: Int) throws {
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/from", withIntermediateDirectories: true)
        try sample(in: folder.path + "/from")
        let bytes = try archive(folder.path + "/from", to: folder.path + "/tar")
        // Byte by byte, the beginning is enough.
        let taken = piece == 1 ? Array(bytes.prefix(3_000)) : bytes
        let writer = FolderWriter(folder.path + "/to")
        for start in stride(from: 0, to: taken.count, by: piece) {
            writer.take(Array(taken[start..<min(taken.count, start + piece)]))
        }
        guard piece > 1 else {
            #expect(throws: Failure.self) { try writer.finish() }
            return
        }
        #expect(try writer.finish() == 1)
        for (path, isThere) in [("a/b/hello.txt", true), ("empty", true), ("large", true), ("link", false)] {
            #expect(FileManager.default.fileExists(atPath: "\(folder.path)/to/\(path)") == isThere, "\(path)")
        }
        #expect(
            FileManager.default.contents(atPath: folder.path + "/to/large")
                == FileManager.default.contents(atPath: folder.path + "/from/large"))
        #expect(FileManager.default.isExecutableFile(atPath: folder.path + "/to/large"))
    }

    @Test(.enabled(if: Shell.find("tar") != nil, "needs tar"))
    func `the system's tar reads what is packed, and what it packs is read`() async throws {
        let folder = TemporaryFolder()
        for name in ["from", "theirs", "ours"] {
            try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        try sample(in: folder.path + "/from")
        _ = try archive(folder.path + "/from", to: folder.path + "/tar")
        try await Shell.output("tar", ["-xf", folder.path + "/tar", "-C", folder.path + "/theirs"])
        try await Shell.output("diff", ["-r", folder.path + "/from", folder.path + "/theirs"])
        for format in ["gnu", "pax"] {
            let file = "\(folder.path)/\(format).tar"
            try await Shell.output("tar", ["--format", format, "-cf", file, "-C", folder.path + "/from", "."])
            let writer = FolderWriter("\(folder.path)/ours/\(format)")
            writer.take([UInt8](FileManager.default.contents(atPath: file) ?? Data()))
            #expect(try writer.finish() == 1)
            unlink("\(folder.path)/from/link")
            try await Shell.output("diff", ["-r", folder.path + "/from", "\(folder.path)/ours/\(format)"])
            symlink("a/b/hello.txt", "\(folder.path)/from/link")
        }
    }

    @Test(arguments: ["/etc/passwd", "../up", "a/../../up", "a/.."])
    func `a name that leads out of the folder is refused`(name: String) throws {
        let folder = TemporaryFolder()
        let writer = FolderWriter(folder.path + "/to")
        writer.take(Tar.header(Tar.Entry(kind: .file, name: name, size: 0)) + Tar.end)
        #expect(throws: Failure.self) { try writer.finish() }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/up"))
    }

    @Test func `no bytes can trap the reader`() {
        var random = Seed(7)
        let good = Tar.header(Tar.Entry(kind: .file, name: String(repeating: "n", count: 200), size: 5)) + Tar.end
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0..<4 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            var reader = TarReader()
            _ = try? reader.read(bytes)
        }
    }
}
