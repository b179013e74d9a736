import Shared

/// The text of `resolv.conf`, read and written. Pure. Source: man 5 resolv.conf.
enum Resolvers {
    /// What a pod's file says.
    struct Configuration: Hashable, Sendable {
        var servers: [String] = []
        var searches: [String] = []
        var options: [String] = []

        var text: String {
            var lines = servers.prefix(3).map { "nameserver \($0)" }
            if !searches.isEmpty { lines.append("search " + searches.prefix(32).joined(separator: " ")) }
            if !options.isEmpty { lines.append("options " + options.joined(separator: " ")) }
            return lines.joined(separator: "\n") + "\n"
        }
    }

    /// Reads a machine's file; lines that are none of the three kinds are passed over.
    static func parse(_ text: String) -> Configuration {
        var result = Configuration()
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            switch words.first {
            case "nameserver": if words.count > 1 { result.servers.append(words[1]) }
            case "search", "domain": result.searches = Array(words.dropFirst())
            case "options": result.options += words.dropFirst()
            default: break
            }
        }
        return result
    }

    /// The resolvers to forward to. Those of 127.0.0.0/8 are left out: in a node's own namespace nobody listens there, and
    /// one may be ourselves. Where only such a stub is named, the file that it was made from is read.
    /// - Parameter candidates: `/etc/resolv.conf`, `/run/systemd/resolve/resolv.conf`, …, as far as they exist.
    static func upstream(_ candidates: [String]) -> [IPv4Endpoint] {
        for text in candidates {
            let servers = parse(text).servers.compactMap { IPv4Address($0) }
                .filter { !$0.isLoopback && $0 != .any && $0 != LinuxPodNetwork.gateway }
            if !servers.isEmpty { return servers.prefix(3).map { IPv4Endpoint($0, port: 53) } }
        }
        return []
    }

    /// The file of a pod, by its `dnsPolicy` and `dnsConfig`.
    /// - Parameters:
    ///   - nameServer: the cluster's, as `PodAddress` tells; nil leaves the node's own.
    ///   - node: the node's file.
    static func configuration(
        for pod: Pod, nameServer: IPv4Address?, node: Configuration, domain: String = "cluster.local"
    ) -> Configuration {
        let spec = pod.spec.json
        var result = Configuration()
        let policy = spec["dnsPolicy"].string ?? "ClusterFirst"
        let isCluster = policy == "ClusterFirstWithHostNet" || (policy == "ClusterFirst" && !pod.spec.hostNetwork)
        if policy == "None" {
            // All comes from dnsConfig.
        } else if isCluster, let nameServer {
            result.servers = [nameServer.description]
            result.searches = ["\(pod.namespace).svc.\(domain)", "svc.\(domain)", domain] + node.searches
            result.options = ["ndots:5"]
        } else {
            result = node
        }
        let config = spec["dnsConfig"]
        result.servers = merged(result.servers, config["nameservers"].items.compactMap(\.string))
        result.searches = merged(result.searches, config["searches"].items.compactMap(\.string))
        for option in config["options"].items {
            guard let name = option["name"].string else { continue }
            result.options.removeAll { $0 == name || $0.hasPrefix("\(name):") }
            result.options.append(option["value"].string.map { "\(name):\($0)" } ?? name)
        }
        let isOneWord = { (text: String) in !text.isEmpty && !text.contains { $0.isWhitespace || $0.isNewline } }
        result.servers = result.servers.filter(isOneWord)
        result.searches = result.searches.filter(isOneWord)
        result.options = result.options.filter(isOneWord)
        return result
    }

    private static func merged(_ first: [String], _ second: [String]) -> [String] {
        first + second.filter { !first.contains($0) }
    }
}
