import Shared

/// The name of an image after Docker's rules: `nginx` is `docker.io/library/nginx:latest`.
///
/// Source: distribution/reference grammar; the first part is a host when it has a dot or a colon, is `localhost` or has
/// a capital letter.
struct Reference: Hashable, Sendable, CustomStringConvertible {
    let host: String
    let repository: String
    /// Empty when only a digest is given.
    let tag: String
    /// `sha256:…`, or empty.
    let digest: String

    /// Throws one sentence about the first thing that is wrong.
    init(_ text: String) throws(RuntimeFailure) {
        var rest = Substring(text)
        var digest = ""
        if let at = rest.firstIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
            guard Reference.isDigest(digest) else {
                throw Reference.invalid(text, "the digest is not sha256: with 64 hex digits")
            }
        }
        var tag = ""
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
            guard Reference.isTag(tag) else {
                throw Reference.invalid(text, "the tag may have letters, digits, '_', '.' and '-'")
            }
        }
        var parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, text.utf8.count <= 512 else {
            throw Reference.invalid(text, "it is empty or too long")
        }
        let isHost =
            parts.count > 1
            && (first.contains(".") || first.contains(":") || first == "localhost" || first != first.lowercased())
        host = isHost ? Reference.normal(first) : "docker.io"
        if isHost { parts.removeFirst() }
        if host == "docker.io", parts.count == 1 { parts.insert("library", at: 0) }
        guard Reference.isHost(host) else { throw Reference.invalid(text, "the registry's name is not a host") }
        guard !parts.isEmpty, parts.allSatisfy(Reference.isPart) else {
            throw Reference.invalid(
                text, "the name may have lower-case letters, digits, '.', '_' and '-' between slashes")
        }
        repository = parts.joined(separator: "/")
        self.tag = tag.isEmpty && digest.isEmpty ? "latest" : tag
        self.digest = digest
    }

    var description: String {
        host + "/" + repository + (tag.isEmpty ? "" : ":" + tag) + (digest.isEmpty ? "" : "@" + digest)
    }
    /// The reserved image, which every node has.
    var isHostSystem: Bool { host == "localhost" && repository == "host" }

    static func isDigest(_ text: String) -> Bool {
        text.hasPrefix("sha256:") && text.utf8.count == 71
            && text.utf8.dropFirst(7).allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
    private static func normal(_ host: String) -> String { host == "index.docker.io" ? "docker.io" : host }
    private static func isTag(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && !text.hasPrefix(".") && !text.hasPrefix("-")
            && text.utf8.allSatisfy {
                isWord($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F || ($0 >= 0x41 && $0 <= 0x5A)
            }
    }
    private static func isHost(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix(".") && !text.hasPrefix("-") && !text.contains("..")
            && text.utf8.allSatisfy {
                isWord($0) || ($0 >= 0x41 && $0 <= 0x5A) || $0 == 0x2E || $0 == 0x2D || $0 == 0x3A || $0 == 0x5B
                    || $0 == 0x5D
            }
    }
    private static func isPart(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, isWord(first), isWord(last) else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F } && !text.contains("..")
    }
    private static func isWord(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7A)
    }
    private static func invalid(_ text: String, _ why: String) -> RuntimeFailure {
        RuntimeFailure(.invalidImageName, "\"\(text.prefix(200))\" is no image name: \(why).")
    }
}
