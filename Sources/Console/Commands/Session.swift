import Shared

/// A cluster that a command talks to: a client, the namespace to look in, and what the server serves.
struct Session: Sendable {
    let client: Client
    /// The namespace of the flag or of the context.
    let namespace: String
    let contextName: String
    let server: String
    private let served = ServedOnce()

    init(client: Client, namespace: String, contextName: String, server: String) {
        self.client = client
        self.namespace = namespace
        self.contextName = contextName
        self.server = server
    }

    /// Opens the cluster that the flags choose: a kubeconfig's context, or the cluster that runs on this machine.
    ///
    /// The local cluster is taken when neither a kubeconfig nor a context is named and the user has no kubeconfig with a
    /// current context of their own.
    static func open(_ arguments: Arguments, places: Places, clock: any WallClock) async throws -> Session {
        let config = try kubeconfig(arguments, places: places)
        let context = try config.context(arguments["context"])
        let transport = try await config.transport(context: context.name, environment: places.environment, clock: clock)
        let server = context.cluster["server"].string ?? ""
        let recording = RecordingTransport(inner: transport, ledger: Ledger(places), server: server, clock: clock)
        return Session(
            client: Client(recording, agent: "kconsole/\(Version.current)"),
            namespace: arguments["namespace"] ?? context.namespace, contextName: context.name,
            server: server)
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
                    "A cluster runs here, but its kubeconfig can not be read (\(error)); use sudo, or start it with sudo from your account."
                )
            }
        }
        if arguments["context"] != nil { return own }
        throw Failure("No cluster is chosen: start one with kconsole up, or name a kubeconfig with --kubeconfig.")
    }
}

extension Session {
    /// What the server serves; asked for once.
    func resources() async throws -> ServedResources { try await served.value(client) }

    /// The selectors of the flags.
    func query(_ arguments: Arguments) throws -> Query {
        var query = Query()
        if let labels = arguments["selector"] {
            _ = try LabelSelector(parsing: labels)
            query.add("labelSelector", labels)
        }
        if let fields = arguments["field-selector"] { query.add("fieldSelector", fields) }
        return query
    }

    /// The objects that an entry of a selection means, whole.
    func objects(_ entry: Selection.Entry, _ arguments: Arguments) async throws -> [JSON] {
        if !entry.names.isEmpty {
            var objects: [JSON] = []
            for name in entry.names {
                objects.append(try await client.call("GET", entry.resource.path(namespace, name)))
            }
            return objects
        }
        let isEverywhere = arguments.has("all-namespaces")
        return try await list(entry.resource.path(isEverywhere ? "" : namespace), query: try query(arguments))
    }

    /// All objects of a collection, page by page, each with its type.
    func list(_ path: String, query: Query = [:]) async throws -> [JSON] {
        var items: [JSON] = []
        var token: String?
        repeat {
            var query = query
            query.add("limit", String(Limits.listPageObjects))
            if let token { query.add("continue", token) }
            let page = try await client.call("GET", path, query: query)
            let kind = page["kind"].string.map { $0.hasSuffix("List") ? String($0.dropLast(4)) : $0 }
            for var item in page["items"].items {
                if item["kind"].isNull, let kind { item["kind"] = .string(kind) }
                if item["apiVersion"].isNull { item["apiVersion"] = page["apiVersion"] }
                items.append(item)
            }
            token = page["metadata"]["continue"].string.flatMap { $0.isEmpty ? nil : $0 }
        } while token != nil
        return items
    }

    /// The error that a refused stream stands for.
    static func refusal(_ answer: HTTPStream) async throws -> Status {
        var body: [UInt8] = []
        while let piece = try await answer.body.next(), body.count < Limits.bodyBytesMax { body += piece }
        return Client.refusal(answer.status, try? JSON(parsing: body), body)
    }
}

/// Asks a server once for what it serves.
actor ServedOnce {
    private var known: ServedResources?
    func value(_ client: Client) async throws -> ServedResources {
        if let known { return known }
        let loaded = try await ServedResources.load(client)
        known = loaded
        return loaded
    }
}
