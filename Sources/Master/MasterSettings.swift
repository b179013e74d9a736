import Glibc
import Shared

/// The master's command line as values that are known to be good.
struct MasterSettings {
    let state: String
    let listen: [(host: String, port: Int)]
    /// Where agents and pods reach the master: `--advertise`, else the last address that is not loopback, else the first.
    let advertise: String
    let names: SubjectAltNames
    let serviceNetwork: IPv4Network
    let podNetwork: IPv4Network
    let history: Duration
    let nodeGrace: Duration
    let notReadyTolerationSeconds: Int
    let toleratesExtendedResources: Bool
    let logLevel: Log.Level
    let scheduler: SchedulerConfiguration
    let tokenFile: String?
    let auditFile: String?
    let auditBytesMax: Int
    let auditKeptMax: Int
    let allowsAnonymous: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        state = arguments["state"] ?? MasterSettings.defaultState
        let given = arguments.all("listen")
        var listen: [(host: String, port: Int)] = []
        for text in given.isEmpty ? ["127.0.0.1:6443"] : given {
            guard let place = SocketAddress.split(text) else {
                throw UsageError("--listen takes HOST:PORT, not \"\(text)\"")
            }
            listen.append(place)
        }
        self.listen = listen
        let outside = listen.map(\.host).last {
            !$0.hasPrefix("127.") && $0 != "0.0.0.0" && $0 != "::" && $0 != "localhost"
        }
        advertise = arguments["advertise"] ?? outside ?? listen.first?.host ?? "127.0.0.1"
        serviceNetwork = try MasterSettings.network(arguments, "service-cidr")
        podNetwork = try MasterSettings.network(arguments, "pod-cidr")
        if serviceNetwork.overlaps(podNetwork) {
            throw UsageError(
                "--service-cidr \(serviceNetwork) and --pod-cidr \(podNetwork) share addresses; choose two that do not")
        }
        history = try arguments.duration("history") ?? .seconds(24 * 3600)
        nodeGrace = try arguments.duration("node-grace") ?? .seconds(8)
        notReadyTolerationSeconds = Int((try arguments.duration("not-ready-toleration") ?? .seconds(2)).inSeconds)
        tokenFile = arguments["token-auth-file"]
        auditFile = arguments["audit-log"]
        auditBytesMax = (try arguments.int("audit-log-maxsize", in: 1...100_000) ?? 100) << 20
        auditKeptMax = try arguments.int("audit-log-maxbackup", in: 0...1000) ?? 5
        allowsAnonymous = arguments.has("anonymous-auth")
        toleratesExtendedResources = arguments.has("tolerate-extended-resources")
        let level = arguments["log-level"] ?? "info"
        guard let logLevel = Log.Level(level) else {
            throw UsageError("--log-level takes debug, info, warning or error, not \"\(level)\"")
        }
        self.logLevel = logLevel
        scheduler = try MasterSettings.schedulerConfiguration(arguments["scheduler-config"])

        var dns = [
            "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ]
        var addresses = ["127.0.0.1"]
        if let first = serviceNetwork.address(at: 1) { addresses.append(first.description) }
        for host in listen.map(\.host) + [advertise] where !["0.0.0.0", "::"].contains(host) {
            if IPv4Address(host) != nil || host.contains(":") { addresses.append(host) } else { dns.append(host) }
        }
        names = SubjectAltNames(dns: Set(dns).sorted(), addresses: Set(addresses).sorted())
    }

    static func schedulerConfiguration(_ path: String?) throws(UsageError) -> SchedulerConfiguration {
        guard let path else { return SchedulerConfiguration() }
        let bytes: [UInt8]?
        do { bytes = try PrivateFile.read(path) } catch {
            throw UsageError("--scheduler-config \(path) cannot be read: \(error)")
        }
        guard let bytes else { throw UsageError("--scheduler-config names \(path), which does not exist") }
        return try SchedulerConfiguration(parsing: bytes, file: path)
    }

    private static func network(_ arguments: Arguments, _ flag: String) throws(UsageError) -> IPv4Network {
        let text = arguments[flag] ?? ""
        guard let network = IPv4Network(text), network.prefix <= 28 else {
            throw UsageError("--\(flag) takes a block of addresses such as 10.96.0.0/16, not \"\(text)\"")
        }
        return network
    }

    /// Root's state is the machine's, a user's is in the XDG state folder.
    static var defaultState: String {
        if getuid() == 0 { return "/var/lib/kotohajime" }
        if let folder = getenv("XDG_STATE_HOME") { return String(cString: folder) + "/kotohajime" }
        let home = getenv("HOME").map { String(cString: $0) } ?? "."
        return home + "/.local/state/kotohajime"
    }
}
