import Shared

/// Why the API server refused to make a pod, out of the message that a controller passes on. Pure.
enum Refusal {
    static func plain(_ message: String) -> (text: String, advice: String) {
        if let range = message.firstRange(of: "exceeded quota: ") {
            let rest = message[range.upperBound...]
            let name = String(rest.prefix { $0 != "," })
            func list(_ key: String) -> [String: String] {
                guard let start = rest.firstRange(of: "\(key): ") else { return [:] }
                let text = rest[start.upperBound...]
                let end = ["requested: ", "used: ", "limited: "].compactMap { text.firstRange(of: $0)?.lowerBound }
                    .min()
                var found: [String: String] = [:]
                for pair in text[..<(end ?? text.endIndex)].split(separator: ",") {
                    let parts = pair.split(separator: "=").map { String($0).trimmingSpaces }
                    if parts.count == 2 { found[parts[0]] = parts[1] }
                }
                return found
            }
            let (asked, used, limits) = (list("requested"), list("used"), list("limited"))
            let parts = limits.keys.sorted().map { key in
                "\(key) \(used[key] ?? "?") of \(limits[key] ?? "?") used, \(asked[key] ?? "?") more asked for"
            }
            return (
                "quota \(name) is used up" + (parts.isEmpty ? "" : ": \(parts.joined(separator: "; "))"),
                "raise quota \(name), or delete what is not needed in the namespace"
            )
        }
        if message.contains("failed quota: "), message.contains("must specify") {
            return (Words.brief(message, 300), "give the containers the requests and limits that the quota wants")
        }
        if let range = message.firstRange(of: "admission webhook ") {
            return (Words.brief(String(message[range.lowerBound...]), 300), "change the pod as the webhook asks")
        }
        if let range = message.firstRange(of: "violates PodSecurity ") {
            return (
                "the namespace's pod security forbids it: \(Words.brief(String(message[range.upperBound...]), 300))",
                "set the securityContext that it names, or relax the namespace's level"
            )
        }
        if message.contains("serviceaccount") && message.contains("not found") {
            return (Words.brief(message, 300), "make the service account, or name another one")
        }
        if message.contains("maximum") || message.contains("minimum"),
            message.contains("per Container") || message.contains("per Pod")
        {
            return (
                "a limit range forbids it: \(Words.brief(message, 300))",
                "change the requests or the namespace's limit range"
            )
        }
        return (Words.brief(message, 300), "change the pod template so that the server takes it")
    }
}
