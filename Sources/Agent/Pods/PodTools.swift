import Shared

/// What all pod loops of a node share. Composition hands it over once.
struct PodTools: Sendable {
    let runtime: any Runtime
    let client: Client
    let network: any PodNetwork
    let volumes: Volumes
    let recorder: Recorder
    let background: Background
    let clock: any WallClock
    let log: Log
    let node: NodeFacts
    /// Below it lie the logs of pods: `NAMESPACE_NAME_UID/CONTAINER/ATTEMPT.log`.
    let logFolder: String
    /// `/etc/resolv.conf` of a pod.
    let resolvConf: @Sendable (Pod) -> String
    /// Variables of services for a pod's namespace.
    let services: @Sendable (_ namespace: String) -> [(name: String, value: String)]

    /// Where the image `localhost/host` has the agent's own program.
    static let ownProgram = "/usr/local/bin/kagent"

    /// Pods of plain processes share the node's files and network: the agent's program is where it really is, and a
    /// program has to bind its pod's own address.
    func fit(_ config: inout ContainerConfig, address: IPv4Address?, _ variables: [String: String]) {
        if config.argv.first == Self.ownProgram, let real = Files.linkText("/proc/self/exe") { config.argv[0] = real }
        if let address, variables["POD_IP"] == nil { config.environment.append("POD_IP=\(address)") }
    }

    func logFolder(_ pod: Pod) -> String { "\(logFolder)/\(pod.namespace)_\(pod.name)_\(pod.metadata.uid)" }
    func logPath(_ pod: Pod, _ container: String, _ attempt: Int) -> String {
        "\(logFolder(pod))/\(container)/\(attempt).log"
    }
}

/// Work that goes on beside the loops; ends with the program.
final class Background: Service {
    typealias Work = @Sendable () async -> Void
    private let stream: AsyncStream<Work>
    private let input: AsyncStream<Work>.Continuation

    init() { (stream, input) = AsyncStream.makeStream() }

    func start(_ work: @escaping Work) { input.yield(work) }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            for await work in stream { group.addTask { await work() } }
            group.cancelAll()
        }
        throw CancellationError()
    }
}
