import Foundation
import Testing

/// The rules of taste that a machine can see.
struct TasteTests {
    /// Words of the code that have no place in it, and why.
    @Test(arguments: [
        ("try!", "throw on, or say what is wrong"), ("as!", "ask the type"), ("fatalError", "throw on the world"),
        ("DispatchSemaphore", "await instead"), ("Thread.sleep", "sleep on the clock that was passed in"),
        ("Date()", "time is passed in"), ("UUID()", "randomness is passed in"),
    ])
    func `some words are not used`(word: String, instead: String) {
        for file in House.sources.files {
            for (number, line) in file.code.enumerated() {
                #expect(!line.contains(word), "\(file.path):\(number + 1): \(instead)")
            }
        }
    }

    @Test func `nothing is left for later`() {
        for file in House.sources.files {
            for (number, line) in file.lines.enumerated() {
                for word in ["TODO", "FIXME", "XXX", "HACK"] where line.contains("// \(word)") {
                    Issue.record("\(file.path):\(number + 1): do it, or leave the remark out")
                }
            }
        }
    }

    @Test func `what the compiler can not prove has its proof beside it`() {
        for file in House.sources.files {
            for (number, line) in file.code.enumerated()
            where ["@unchecked", "nonisolated(unsafe)", "@preconcurrency"].contains(where: line.contains) {
                let before = file.lines[max(0, number - 4)..<number].contains {
                    $0.drop { $0 == " " }.hasPrefix("//")
                }
                #expect(before || file.lines[number].contains("//"), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test func `doc comments are whole sentences`() {
        for file in House.sources.files {
            for (number, line) in file.lines.enumerated() {
                let text = line.drop { $0 == " " }
                guard text.hasPrefix("/// ") else { continue }
                let next = number + 1 < file.lines.count ? file.lines[number + 1].drop { $0 == " " } : ""
                if next.hasPrefix("///") { continue }
                let isEnded = text.last.map { ".:?!|)`…".contains($0) } ?? false
                #expect(isEnded, "\(file.path):\(number + 1): \(text)")
            }
        }
    }

    @Test func `a file is one room`() {
        for file in House.sources.files {
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines; look for the second room")
        }
    }

    @Test func `files that grew apart have names of their own`() {
        for file in House.sources.files {
            let words = ["Manager", "Helper", "Util", "Impl"]
            #expect(!words.contains { file.name.contains($0) }, "\(file.path)")
            for name in file.declared { #expect(!words.contains { name.hasSuffix($0) }, "\(file.path): \(name)") }
        }
    }

    @Test func `the map of the readme shows every folder`() throws {
        let data = try #require(FileManager.default.contents(atPath: House.root + "/README.md"))
        let readme = String(decoding: data, as: UTF8.self)
        for folder in Set(House.sources.files.map(\.folder)) where folder.contains("/") {
            let parts = folder.split(separator: "/")
            #expect(
                readme.contains("`Sources/\(folder)`") || readme.contains("`\(parts[1])`"),
                "\(folder) is not on the map")
        }
    }
}
