import Glibc
import Shared

/// The agent's command line as values that are known to be good.
struct AgentSettings: Sendable {
    let server: String
    let host: String
    let port: Int
    let token: String?
    let authority: String?
    let name: String
    let state: String
    let address: String?
    let endpointPort: Int
    let runtime: RuntimeKind?
    let labels: [String: String]
    let clusterDomain: String
    let clusterDNS: IPv4Address?
    let clusterCIDR: IPv4Network?
    let serviceCIDR: IPv4Network?
    let logLevel: Log.Level

    static let command = Command(
        name: "kagent",
        summary: "Runs the pods of one node.",
        flags: [
            .init("server", .one("URL"), help: "the master, such as https://192.168.1.10:6443"),
            .init("token", .one("TOKEN"), help: "proves once that this node may join"),
            .init("token-file", .one("FILE"), help: "the same, read from a file"),
            .init("ca-file", .one("FILE"), help: "the cluster's authority (PEM)"),
            .init("name", .one("NAME"), help: "the node's name (default: the host's name)"),
            .init(
                "state", .one("DIR"), help: "where keys, images and pods are kept (default /var/lib/kotohajime/NAME)"),
            .init("address", .one("IP"), help: "the node's address (default: the one that reaches the master)"),
            .init("port", .one("PORT"), fallback: "10250", help: "where logs, exec and stats are served"),
            .init(
                "runtime", .one("KIND"), choices: ["linux", "process"],
                help: "how pods run (default: linux where the machine allows it)"),
            .init("node-labels", .many("KEY=VALUE,…"), help: "labels of the node"),
            .init("cluster-dns", .one("IP"), help: "the name server for pods (default: this agent)"),
            .init("cluster-domain", .one("DOMAIN"), fallback: "cluster.local", help: "the end of the cluster's names"),
            .init("cluster-cidr", .one("CIDR"), help: "addresses of all pods (default: the /16 around this node's)"),
            .init(
                "service-cidr", .one("CIDR"), help: "addresses of services (default: the /16 around service kubernetes)"
            ),
            .init(
                "log-level", .one("LEVEL"), fallback: "info", choices: ["debug", "info", "warning", "error"],
                help: "what is logged to standard error"),
            .init("version", help: "print the version and end"),
        ],
        notes: """
            Other commands:
              kagent images list|import FILE|pull IMAGE|remove IMAGE   the node's images
              kagent sample web|crash|batch|logger                     small programs for trying a cluster

            The token is needed for the first start only. Pods keep running when the agent ends; SIGTERM ends it in order.
            """
    )

    init(_ arguments: Arguments) throws {
        guard let server = arguments["server"] else {
            throw UsageError("--server is missing: say where the master is, such as --server https://192.168.1.10:6443")
        }
        guard server.hasPrefix("https://") else {
            throw UsageError("--server takes https://HOST:PORT, not \"\(server)\"")
        }
        var place = String(server.dropFirst(8))
        while place.hasSuffix("/") { place.removeLast() }
        guard let split = SocketAddress.split(place) ?? SocketAddress.split(place + ":443") else {
            throw UsageError("--server takes https://HOST:PORT, not \"\(server)\"")
        }
        self.server = "https://" + place
        (host, port) = split
        if let file = arguments["token-file"] {
            guard let bytes = try PrivateFile.read(file) else {
                throw UsageError("the token file \(file) does not exist")
            }
            token = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
        } else {
            token = arguments["token"]
        }
        authority = arguments["ca-file"]
        name = (arguments["name"] ?? Machine.hostname).lowercased()
        guard Names.isDNSSubdomain(name) else {
            throw UsageError("--name takes a DNS name in lower case such as node-1, not \"\(name)\"")
        }
        state = arguments["state"] ?? Self.defaultState + "/" + name
        if let text = arguments["address"] {
            guard IPv4Address(text) != nil else { throw UsageError("--address takes an IPv4 address, not \"\(text)\"") }
        }
        address = arguments["address"]
        endpointPort = try arguments.int("port", in: 0...65_535) ?? 10_250
        if let text = arguments["runtime"] {
            guard text == "linux" || text == "process", let kind = RuntimeKind(rawValue: text) else {
                throw UsageError("--runtime takes linux or process, not \"\(text)\"")
            }
            runtime = kind
        } else {
            runtime = nil
        }
        var labels: [String: String] = [:]
        for pair in arguments.all("node-labels").flatMap({ $0.split(separator: ",") }) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, Names.isQualifiedName(parts[0]), Names.isLabelValue(parts[1]) else {
                throw UsageError("--node-labels takes KEY=VALUE, not \"\(pair)\"")
            }
            labels[parts[0]] = parts[1]
        }
        self.labels = labels
        clusterDomain = arguments["cluster-domain"] ?? "cluster.local"
        clusterDNS = try Self.parsed(arguments, "cluster-dns") { IPv4Address($0) }
        clusterCIDR = try Self.parsed(arguments, "cluster-cidr") { IPv4Network($0) }
        serviceCIDR = try Self.parsed(arguments, "service-cidr") { IPv4Network($0) }
        guard let level = Log.Level(arguments["log-level"] ?? "info") else {
            throw UsageError("--log-level takes debug, info, warning or error")
        }
        logLevel = level
    }

    private static func parsed<T>(_ arguments: Arguments, _ flag: String, _ read: (String) -> T?) throws -> T? {
        guard let text = arguments[flag] else { return nil }
        guard let value = read(text) else { throw UsageError("--\(flag) does not take \"\(text)\"; see kagent --help") }
        return value
    }

    /// Root's state is the machine's, a user's is in the XDG state folder.
    static var defaultState: String {
        if getuid() == 0 { return "/var/lib/kotohajime" }
        if let folder = getenv("XDG_STATE_HOME") { return String(cString: folder) + "/kotohajime" }
        let home = getenv("HOME").map { String(cString: $0) } ?? "."
        return home + "/.local/state/kotohajime"
    }
}
