import Glibc
import Shared

/// One command of `kconsole`: how it is spelled, and what it does.
struct Verb: Sendable {
    let spec: Shared.Command
    /// Other names that kubectl's users know.
    var aliases: [String] = []
    /// First operands with a meaning of their own, offered by completion: `status` of `rollout`.
    var actions: [String] = []
    /// What the operands are, for completion.
    var completes = Completes.nothing
    /// Returns the exit code. Throws `UsageError` (exit code 2) or anything else (1), each one sentence.
    let run: @Sendable (Invocation) async throws -> Int32

    enum Completes: Sendable {
        case nothing
        /// A kind, then names of that kind.
        case objects
        case pods
        case nodes
        case machines
    }

    /// - Parameter isRemote: it talks to a cluster, so it takes the flags that choose one.
    init(
        _ name: String, _ summary: String, operands: String = "", isRemote: Bool = true,
        flags: [Shared.Command.Flag] = [],
        notes: String = "", aliases: [String] = [], actions: [String] = [], completes: Completes = .nothing,
        run: @escaping @Sendable (Invocation) async throws -> Int32
    ) {
        spec = Shared.Command(
            name: "kconsole \(name)", summary: summary, operands: operands,
            flags: flags + (isRemote ? Verb.clusterFlags : []), notes: notes)
        self.aliases = aliases
        self.actions = actions
        self.completes = completes
        self.run = run
    }

    var name: String { String(spec.name.dropFirst("kconsole ".count)) }

    static let clusterFlags: [Shared.Command.Flag] = [
        .init("namespace", short: "n", .one("NAME"), help: "namespace to look in (default: the context's)"),
        .init("context", .one("NAME"), help: "context of the kubeconfig (default: the current one)"),
        .init("kubeconfig", .one("FILE"), help: "file that names clusters and users (default: $KUBECONFIG or ~/.kube/config)"),
    ]
}

/// One call of a command.
struct Invocation: Sendable {
    let verb: Verb
    let arguments: Arguments
    let places: Places
    let clock: any WallClock

    var operands: [String] { arguments.operands }

    func out(_ line: String) { StandardStreams.out(line) }
    /// Writes text as it is.
    func write(_ text: String) { StandardStreams.write(text, to: STDOUT_FILENO) }
    /// A remark that is no result.
    func remark(_ line: String) { StandardStreams.err(line) }

    func usage(_ sentence: String) -> UsageError { UsageError("\(sentence); see \(verb.spec.name) --help") }

    /// Opens the cluster that the flags choose.
    func session() async throws -> Session { try await Session.open(arguments, places: places, clock: clock) }
}
