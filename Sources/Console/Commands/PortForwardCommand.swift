import Shared

/// `kconsole port-forward`: ports of this machine that lead into a pod.
enum PortForwardCommand {
    static let verb = Verb(
        "port-forward", "Lead ports of this machine into a pod.", operands: "POD | KIND/NAME [LOCAL:]PORT…",
        flags: [
            .init("address", .one("ADDRESS"), fallback: "127.0.0.1", help: "where to listen on this machine")
        ],
        notes:
            "LOCAL 0 or :PORT takes a free port. For a service, PORT is the service's. When the pod goes away, another one takes\n"
            + "its place for the next connection.\nExample: kconsole port-forward svc/web 8080:80",
        completes: .pods, run: run)

    struct Pair: Equatable, Sendable {
        let local: Int
        /// A number, or a name of a port.
        let remote: String

        /// - Throws: `UsageError` when the text is no pair.
        init(_ text: String) throws(UsageError) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            let remote = parts.last ?? ""
            let first = parts.count == 2 ? parts[0] : Int(remote) == nil ? "" : remote
            guard (1...2).contains(parts.count), !remote.isEmpty, let local = first.isEmpty ? 0 : Int(first),
                (0...65_535).contains(local), Int(remote).map({ (1...65_535).contains($0) }) ?? true
            else { throw UsageError("a port is PORT, LOCAL:PORT or :PORT, not \"\(text)\"") }
            self.local = local
            self.remote = remote
        }
    }

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard call.operands.count > 1 else {
            throw call.usage("port-forward needs a pod and a port, such as svc/web 8080:80")
        }
        let operand = call.operands[0]
        let pairs = try call.operands.dropFirst().map { text throws(UsageError) in try Pair(text) }
        let session = try await call.session()
        // Fails early where there is no pod or port.
        for pair in pairs { _ = try await target(operand, pair.remote, session) }
        let address = call.arguments["address"] ?? "127.0.0.1"
        try await withThrowingDiscardingTaskGroup { group in
            for pair in pairs {
                let listener: Listener
                do { listener = try Listener.tcp(host: address, port: pair.local) } catch {
                    throw Failure("Port \(pair.local) of \(address) can not be taken (\(error)); choose another one.")
                }
                call.out("Forwarding from \(address):\(listener.port) -> \(pair.remote)")
                group.addTask { try await serve(listener, operand, pair.remote, session, call) }
            }
        }
        return 0
    }

    private static func serve(
        _ listener: Listener, _ operand: String, _ remote: String, _ session: Session, _ call: Invocation
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let connection = try await listener.accept()
                group.addTask {
                    do {
                        let (pod, port) = try await target(operand, remote, session)
                        try await carry(connection, pod, port, session)
                    } catch {
                        call.remark("A connection ended: \(error)")
                    }
                    connection.close()
                }
            }
        }
    }

    /// The pod and the number of its port that an operand means now.
    private static func target(_ operand: String, _ remote: String, _ session: Session) async throws -> (
        pod: JSON, port: Int
    ) {
        let pods = try await PodChoice.pods(operand, session)
        guard let pod = pods.first, pod.at("status", "phase").string == "Running" else {
            throw Failure("\(operand) has no running pod now; see kconsole why \(operand)")
        }
        var wanted = remote
        let selection = operand.contains("/") ? try Selection([operand], try await session.resources()) : nil
        if selection?.entries.first?.resource.type.kind == "Service", let entry = selection?.entries.first,
            let service = try await session.objects(entry, Arguments()).first
        {
            let ports = service.at("spec", "ports").items
            guard let port = ports.first(where: { $0["name"].string == remote || $0["port"].int == Int(remote) }) else {
                let known = ports.map { "\($0["port"].int ?? 0)" }.joined(separator: ", ")
                throw Failure("\(operand) has no port \(remote); it has \(known).")
            }
            wanted = port["targetPort"].string ?? "\(port["targetPort"].int ?? port["port"].int ?? 0)"
        }
        if let number = Int(wanted) { return (pod, number) }
        let all = pod.at("spec", "containers").items.flatMap { $0["ports"].items }
        guard let number = all.first(where: { $0["name"].string == wanted })?["containerPort"].int else {
            throw Failure("Pod \(Object(pod).name) names no port \"\(wanted)\"; give its number.")
        }
        return (pod, number)
    }

    /// Carries one connection over a WebSocket of its own. Source: kubelet `portforward/websocket.go`: channel 0 is the
    /// data, 1 the error; each begins with the port as two bytes, the lower first.
    private static func carry(_ connection: Connection, _ pod: JSON, _ port: Int, _ session: Session) async throws {
        let object = Object(pod)
        let path = Pod.type.path(
            namespace: object.namespace, name: URLText.encode(object.name), subresource: "portforward")
        let request = session.client.request("GET", path, query: ["ports": "\(port)"], accept: "*/*")
        let (channel, _) = try await WebSocketChannel.open(
            request, over: session.client.transport, protocols: ["v4.channel.k8s.io"])
        defer { channel.abort() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while let bytes = try await connection.read(most: 32_768) {
                    try await channel.send(binary: [0] + bytes)
                }
                connection.closeReading()
            }
            group.addTask {
                var greeted: Set<UInt8> = []
                while let message = try await channel.receive() {
                    guard case .binary(let bytes) = message, let first = bytes.first else { continue }
                    if bytes.count == 3, greeted.insert(first).inserted { continue }
                    greeted.insert(first)
                    if first == 1 { throw Failure(SafeLine.clean(String(decoding: bytes.dropFirst(), as: UTF8.self))) }
                    try await connection.write(Array(bytes.dropFirst()))
                }
                connection.closeWriting()
            }
            // What comes back decides when it is over: a client may close its side early and still read.
            defer {
                group.cancelAll()
                channel.abort()
                connection.close()
            }
            while try await group.next() != nil {}
        }
    }
}
