import Foundation

/// A Swift file of the package as the rules of the house see it: names and lines, no meaning.
struct SourceFile: Sendable {
    /// From the package's folder: `Sources/Shared/Base/Log.swift`.
    let path: String
    let lines: [Substring]
    /// The lines with comments and the inside of strings taken out.
    let code: [String]
    /// Types and functions declared outside of all braces.
    let declared: Set<String>
    /// Types declared inside others.
    let nested: Set<String>
    /// All words of the code.
    let words: Set<String>
    let imports: Set<String>

    /// `Shared/Base` for a file in it or below it; the target alone for a file beside its folders.
    var folder: String { path.split(separator: "/").dropFirst().dropLast().prefix(2).joined(separator: "/") }
    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    var name: String { path.split(separator: "/").last.map(String.init) ?? "" }

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = SourceFile.stripped(text)
        var declared: Set<String> = [], nested: Set<String> = [], words: Set<String> = [], imports: Set<String> = []
        var depth = 0
        for line in code {
            let tokens = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
            words.formUnion(tokens)
            if depth == 0, let index = tokens.firstIndex(of: "import"), index < 2, index + 1 < tokens.count {
                imports.insert(tokens[index + 1])
            }
            for (index, token) in tokens.enumerated().dropLast() where SourceFile.introducers.contains(token) {
                let name = tokens[index + 1]
                if depth == 0 { declared.insert(name) } else if token != "func" { nested.insert(name) }
            }
            depth += line.count { $0 == "{" } - line.count { $0 == "}" }
        }
        (self.declared, self.nested, self.words, self.imports) = (declared, nested, words, imports)
    }

    private static let introducers: Set<String> = ["struct", "class", "enum", "protocol", "actor", "typealias", "func"]

    /// Takes comments and the inside of strings out, line by line.
    private static func stripped(_ text: String) -> [String] {
        enum Place { case code, comment(Int), string(hashes: Int, isLong: Bool) }
        var place = Place.code
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var kept = ""
            var rest = line[...]
            scan: while let first = rest.first {
                switch place {
                case .code:
                    if rest.hasPrefix("//") { break scan }
                    if rest.hasPrefix("/*") {
                        place = .comment(1)
                        rest = rest.dropFirst(2)
                        continue
                    }
                    let hashes = rest.prefix { $0 == "#" }.count
                    let quote = rest.dropFirst(hashes)
                    if quote.hasPrefix("\"") {
                        let isLong = quote.hasPrefix("\"\"\"")
                        place = .string(hashes: hashes, isLong: isLong)
                        rest = quote.dropFirst(isLong ? 3 : 1)
                        kept += "\"\""
                        continue
                    }
                    kept.append(first)
                    rest = rest.dropFirst()
                case .comment(let depth):
                    if rest.hasPrefix("*/") {
                        place = depth == 1 ? .code : .comment(depth - 1)
                        rest = rest.dropFirst(2)
                    } else if rest.hasPrefix("/*") {
                        place = .comment(depth + 1)
                        rest = rest.dropFirst(2)
                    } else {
                        rest = rest.dropFirst()
                    }
                case .string(let hashes, let isLong):
                    let end = (isLong ? "\"\"\"" : "\"") + String(repeating: "#", count: hashes)
                    if rest.hasPrefix(end) {
                        place = .code
                        rest = rest.dropFirst(end.count)
                    } else {
                        rest = rest.dropFirst(hashes == 0 && first == "\\" ? 2 : 1)
                    }
                }
            }
            if case .string(_, false) = place { place = .code }
            lines.append(kept)
        }
        return lines
    }
}

/// All Swift files of the package.
struct House: Sendable {
    let files: [SourceFile]

    /// The package's folder, found from this file's place in it.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let sources = House(below: "Sources")

    init(below folder: String) {
        let root = House.root
        let paths = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
        files = paths.filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            guard let data = FileManager.default.contents(atPath: "\(root)/\(folder)/\(path)") else { return nil }
            return SourceFile(path: "\(folder)/\(path)", text: String(decoding: data, as: UTF8.self))
        }
    }

    /// One use of a name that exactly one other file declares.
    struct Use: Sendable { let user: SourceFile, owner: SourceFile, name: String }

    /// Who uses what of whom within some targets. Names that several files declare are left out: a word tells nothing
    /// about which of them is meant.
    func uses(within targets: Set<String>) -> [Use] {
        let files = files.filter { targets.contains($0.target) }
        var owners: [String: [SourceFile]] = [:]
        var ambiguous: Set<String> = []
        for file in files {
            for name in file.declared where name.first?.isUppercase == true { owners[name, default: []].append(file) }
            ambiguous.formUnion(file.nested)
        }
        var uses: [Use] = []
        for file in files {
            for name in file.words where !ambiguous.contains(name) {
                guard let owner = owners[name], owner.count == 1, owner[0].path != file.path else { continue }
                uses.append(Use(user: file, owner: owner[0], name: name))
            }
        }
        return uses
    }
}
