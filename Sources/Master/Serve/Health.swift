import Shared

/// `/healthz`, `/livez` and `/readyz`, each with a path for every check. Source: apiserver `server/healthz`.
struct Health: Sendable {
    struct Check: Sendable {
        let name: String
        /// Only readiness depends on it.
        var isForReadiness = false
        /// Whether all is well.
        let passes: @Sendable () -> Bool
    }
    let checks: [Check]

    static let roots: Set<String> = ["healthz", "livez", "readyz"]

    private func checks(of root: String) -> [Check] { checks.filter { root == "readyz" || !$0.isForReadiness } }

    /// The paths that are served.
    var paths: [String] {
        Health.roots.flatMap { root in ["/\(root)"] + checks(of: root).map { "/\(root)/\($0.name)" } }
    }

    /// The answer; nil when there is no such check.
    /// - Parameter name: what follows `/healthz/`, empty for all checks.
    func answer(_ root: String, _ name: String, _ query: Query) -> HTTPServerReply? {
        let checks = checks(of: root)
        guard name.isEmpty else {
            guard let check = checks.first(where: { $0.name == name }) else { return nil }
            return check.passes()
                ? Answer.text(200, "ok") : Answer.plainFailure(500, "internal server error: not ready")
        }
        let excluded = Set(query.all("exclude"))
        var lines = ""
        var isGood = true
        for check in checks {
            if excluded.contains(check.name) {
                lines += "[+]\(check.name) excluded: ok\n"
            } else if check.passes() {
                lines += "[+]\(check.name) ok\n"
            } else {
                isGood = false
                lines += "[-]\(check.name) failed: reason withheld\n"
            }
        }
        let unknown = excluded.subtracting(checks.map(\.name)).sorted()
        if !unknown.isEmpty {
            let list = unknown.map { "\"\($0)\"" }.joined(separator: ",")
            lines += "warn: some health checks cannot be excluded: no matches for \(list)\n"
        }
        guard isGood else { return Answer.plainFailure(500, "\(lines)\(root) check failed") }
        let text = query.items.contains { $0.name == "verbose" } ? "\(lines)\(root) check passed\n" : "ok"
        var headers: HTTPHeaders = ["Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache, private"]
        headers["X-Content-Type-Options"] = "nosniff"
        return .whole(status: 200, headers: headers, pieces: [Array(text.utf8)])
    }
}
