import Glibc

/// Colours on a terminal that wants them. Source: no-color.org.
enum Colours {
    static func areWanted(_ places: Places) -> Bool {
        isatty(STDOUT_FILENO) == 1 && (places.environment["NO_COLOR"] ?? "").isEmpty
            && places.environment["TERM"] != "dumb"
    }

    /// Removed lines red, added ones green, places of changes cyan.
    static func diff(_ text: String, isOn: Bool) -> String {
        guard isOn else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let code =
                line.hasPrefix("+++") || line.hasPrefix("---")
                ? "1" : line.hasPrefix("+") ? "32" : line.hasPrefix("-") ? "31" : line.hasPrefix("@") ? "36" : ""
            return code.isEmpty ? String(line) : "\u{1B}[\(code)m\(line)\u{1B}[0m"
        }.joined(separator: "\n")
    }
}
