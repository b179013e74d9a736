import Shared

/// A cluster that a command talks to: a client, the namespace to look in, and what the server serves.
struct Session: Sendable {
    let client: Client
    /// The namespace of the flag or of the context.
    let namespace: String
    let contextName: String
    let server: String

    /// Opens the cluster that the flags choose: a kubeconfig's context, or the cluster that runs on this machine.
    ///
    /// The local cluster is taken when neither a kubeconfig nor a context is named and the user has no kubeconfig with a
    /// current context of their own.
    static func open(_ arguments: Arguments, places: Places, clock: any WallClock) async throws -> Session {
        let config = try kubeconfig(arguments, places: places)
        let context = try config.context(arguments["context"])
        let transport = try await config.transport(context: context.name, environment: places.environment, clock: clock)
        return Session(
            client: Client(transport, agent: "kconsole/\(Version.current)"),
            namespace: arguments["namespace"] ?? context.namespace, contextName: context.name,
            server: context.cluster["server"].string ?? "")
    }

    /// - Throws: a sentence when there is no cluster to talk to.
    static func kubeconfig(_ arguments: Arguments, places: Places) throws -> Kubeconfig {
        if let path = arguments["kubeconfig"] { return try Kubeconfig.load([path], isRequired: true) }
        let own = try Kubeconfig.load(Kubeconfig.paths(environment: places.environment))
        if let name = arguments["context"], own.contextNames.contains(name) { return own }
        if arguments["context"] == nil, own.currentContext != nil { return own }
        if let record = places.running {
            do { return try Kubeconfig.load([record.kubeconfig], isRequired: true) } catch {
                throw Failure(
                    "A cluster runs here, but its kubeconfig can not be read (\(error)); use sudo, or start it with sudo from your account.")
            }
        }
        if arguments["context"] != nil { return own }
        throw Failure("No cluster is chosen: start one with kconsole up, or name a kubeconfig with --kubeconfig.")
    }
}
