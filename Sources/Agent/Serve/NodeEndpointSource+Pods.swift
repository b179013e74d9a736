import Shared

extension NodeEndpointSource {
    /// Answers from the pod loops.
    init(_ loops: PodLoops, machine: Machine) {
        self.init(
            find: { namespace, pod, container in
                loops.find(namespace: namespace, name: pod).map { Self.look($0, container, loops.tools) } ?? .noPod
            },
            pods: { loops.snapshots.map(\.pod) },
            isRunning: { namespace, pod in
                guard let state = loops.find(namespace: namespace, name: pod) else { return false }
                return state.sandbox?.isAlive == true
            },
            dial: { namespace, pod, port in
                guard let state = loops.find(namespace: namespace, name: pod) else {
                    throw NetError(.closed, "the pod is gone")
                }
                return try await Self.dial(state, port, node: loops.tools.node)
            },
            address: { namespace, pod in
                guard let state = loops.find(namespace: namespace, name: pod) else { return nil }
                return state.pod.spec.hostNetwork ? loops.tools.node.address : state.address?.description
            },
            stats: { await Stats.summary(loops, machine: machine) })
    }

    private static func look(_ state: PodState, _ container: String, _ tools: PodTools) -> Lookup {
        guard let view = state.allViews.first(where: { $0.name == container }) else { return .noContainer }
        let folder = "\(tools.logFolder(state.pod))/\(container)"
        let logged = Files.names(folder).compactMap { $0.hasSuffix(".log") ? Int($0.dropLast(4)) : nil }.sorted()
        let status = StatusReport(state: state, hostAddress: "", now: tools.clock.now()).container(view)
        guard let attempt = view.current?.id.attempt ?? logged.last else { return .waiting(why: waiting(status)) }
        // A container that waits for its restart shows its last end as the state before, and so is its log.
        let isBetween = status.at("state", "waiting").object != nil
        let previous = logged.last { isBetween ? $0 <= attempt : $0 < attempt }
        return .found(
            ContainerPlace(
                id: ContainerID(sandbox: state.uid, name: container, attempt: attempt), isRunning: view.isRunning,
                log: tools.logPath(state.pod, container, attempt),
                previousLog: previous.map { tools.logPath(state.pod, container, $0) },
                readsInputOnce: view.spec.json["stdinOnce"].bool ?? false))
    }

    /// Source: kubelet `validateContainerLogStatus`.
    private static func waiting(_ status: JSON) -> String {
        switch status.at("state", "waiting", "reason").string {
        case "ErrImagePull": return "is waiting to start: image can't be pulled"
        case "ImagePullBackOff": return "is waiting to start: trying and failing to pull image"
        case let reason?: return "is waiting to start: \(reason)"
        case nil: return "is waiting to start - no logs yet"
        }
    }

    /// Pods with a network of their own are reached inside it, so that programs which listen on its loopback address
    /// only are found; the others by their address.
    private static func dial(_ state: PodState, _ port: Int, node: NodeFacts) async throws -> Connection {
        guard let namespace = state.sandbox?.networkNamespace else {
            let own = state.pod.spec.hostNetwork ? nil : state.address?.description
            return try await first(
                [own ?? "127.0.0.1", own ?? node.address].uniqued, { try await Dialer.connect(host: $0, port: port) })
        }
        return try await first(
            ["127.0.0.1", "::1"] + (state.address.map { [$0.description] } ?? []),
            { try await Dialer.connect(host: $0, port: port, in: namespace) })
    }

    /// The first address that answers; the failure is that of the first address.
    private static func first(
        _ hosts: [String], _ connect: (String) async throws -> Connection
    ) async throws -> Connection {
        var failure: (any Error)?
        for host in hosts {
            do { return try await connect(host) } catch let error as CancellationError { throw error } catch {
                if failure == nil { failure = error }
            }
        }
        throw failure ?? NetError(.refused, "the pod has no address")
    }
}

extension [String] {
    /// Each text once, in order.
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
