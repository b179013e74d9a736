import Shared

/// The tokens of a file, one a line: `token,user,uid,"group1,group2"`. Read once, at the start.
/// Source: Kubernetes "Static token file", kube-apiserver `--token-auth-file`.
struct StaticTokens: Sendable {
    private struct Entry {
        let token: [UInt8]
        let user: User
    }
    /// By the token's hash, so that a look-up tells nothing of other tokens by its time.
    private var entries: [[UInt8]: Entry] = [:]

    static let none = StaticTokens()
    private init() {}

    /// - Throws: a sentence that names the file and the line that can not be read.
    init(file: String) throws {
        guard let bytes = try PrivateFile.read(file) else {
            throw UsageError("the file \(file) of --token-auth-file does not exist")
        }
        try self.init(text: String(decoding: bytes, as: UTF8.self), file: file)
    }

    init(text: String, file: String) throws(UsageError) {
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.trimmingSpaces
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let cells = StaticTokens.cells(line), cells.count >= 3, !cells[0].isEmpty, !cells[1].isEmpty else {
                throw UsageError(
                    "line \(number + 1) of \(file) is not token,user,uid,\"group1,group2\"; correct it and start again")
            }
            let groups = cells.count > 3 ? cells[3].split(separator: ",").map { $0.trimmingSpaces } : []
            let user = User(
                cells[1], groups: groups.filter { !$0.isEmpty } + [User.authenticated], uid: cells[2])
            let token = Array(cells[0].utf8)
            entries[SHA256.hash(token)] = Entry(token: token, user: user)
        }
    }

    func user(of token: String) -> User? {
        if entries.isEmpty { return nil }
        let bytes = Array(token.utf8)
        guard let entry = entries[SHA256.hash(bytes)], entry.token.isEqualInConstantTime(to: bytes) else { return nil }
        return entry.user
    }

    /// The cells of a line of CSV; nil when a quote is not closed. Source: RFC 4180.
    private static func cells(_ line: String) -> [String]? {
        var cells = [""]
        var isQuoted = false
        var rest = line[...]
        while let character = rest.popFirst() {
            switch character {
            case "\"" where isQuoted && rest.first == "\"":
                rest.removeFirst()
                cells[cells.count - 1].append("\"")
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: cells.append("")
            default: cells[cells.count - 1].append(character)
            }
        }
        return isQuoted ? nil : cells.map(\.trimmingSpaces)
    }
}
