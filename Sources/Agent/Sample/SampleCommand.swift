import Glibc
import Shared

/// `kagent sample …`: small programs to watch a cluster with. They need no image: `localhost/host` has kagent itself.
enum SampleCommand {
    static let command = Command(
        name: "kagent sample",
        summary: "Runs one of the programs of the demo.",
        operands: "web|crash|batch|logger",
        flags: [
            .init("port", .one("PORT"), help: "web: where to serve (default $PORT, else 8080)"),
            .init(
                "after", .one("DURATION"), fallback: "10s", help: "crash: how long it lives; batch: how long it works"),
            .init("code", .one("N"), fallback: "1", help: "crash: the exit code"),
            .init(
                "times", .one("N"), fallback: "0",
                help: "crash: live on after this many crashes, counted in $CRASH_FILE; 0 means never"),
            .init("every", .one("DURATION"), fallback: "1s", help: "logger: time between two lines"),
        ])

    /// Runs the program that the words name. Returns its exit code.
    static func run(_ words: [String]) async throws -> Int32 {
        let arguments = try Arguments(words, for: command)
        if arguments.wantsHelp {
            StandardStreams.out(command.help)
            return 0
        }
        let place = SamplePlace()
        let clock = SystemClock()
        switch arguments.operands {
        case ["web"]:
            let port = try arguments.int("port", in: 0...65_535) ?? environment("PORT").flatMap { Int($0) } ?? 8080
            try await WebSample(place: place, clock: clock).serve(port: port)
            return 0
        case ["crash"]:
            let after = try arguments.duration("after") ?? .seconds(10)
            let code = try arguments.int("code", in: 0...255) ?? 1
            let times = try arguments.int("times") ?? 0
            return try await CrashSample.run(place, clock, after: after, code: Int32(code), times: times)
        case ["batch"]:
            return try await BatchSample.run(place, clock, for: try arguments.duration("after") ?? .seconds(10))
        case ["logger"]:
            return try await LoggerSample.run(place, clock, every: try arguments.duration("every") ?? .seconds(1))
        default: throw UsageError("kagent sample takes one of web, crash, batch, logger")
        }
    }

    /// The text of `$MESSAGE_FILE`, else `$MESSAGE`. Without namespaces the folder of a mounted file is named by a
    /// variable `KOTOHAJIME_MOUNT_…`.
    static var message: String? {
        guard let path = environment("MESSAGE_FILE"), let slash = path.lastIndex(of: "/") else {
            return environment("MESSAGE")
        }
        let folder = environment("KOTOHAJIME_MOUNT" + ProcessPods.variable(String(path[..<slash])))
        let bytes = (try? PrivateFile.read(path)) ?? folder.flatMap { try? PrivateFile.read($0 + path[slash...]) }
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? environment("MESSAGE")
    }

    static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Where a sample program finds itself: the names come from the downward API, with what the kernel tells as fallback.
struct SamplePlace: Sendable {
    let pod: String
    let node: String
    let namespace: String
    let address: String
    let version: String

    init() {
        let environment = SampleCommand.environment
        pod = environment("POD_NAME") ?? environment("HOSTNAME") ?? SamplePlace.hostname
        node = environment("NODE_NAME") ?? "unknown"
        namespace = environment("POD_NAMESPACE") ?? "default"
        address = environment("POD_IP") ?? ""
        version = environment("VERSION") ?? Version.current
    }

    private static var hostname: String {
        var name = [CChar](repeating: 0, count: 256)
        return gethostname(&name, name.count - 1) == 0
            ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self) : "unknown"
    }
}
