import Shared

extension NodeEndpointSource {
    /// Answers from the pod loops.
    init(_ loops: PodLoops, machine: Machine) {
        self.init(
            find: { namespace, pod, container in
                loops.find(namespace: namespace, name: pod).map { Self.look($0, container, loops.tools) } ?? .noPod
            },
            pods: { loops.snapshots.map(\.pod) },
            address: { namespace, pod in
                guard let state = loops.find(namespace: namespace, name: pod) else { return nil }
                return state.pod.spec.hostNetwork ? loops.tools.node.address : state.address?.description
            },
            stats: { await Stats.summary(loops, machine: machine) })
    }

    private static func look(_ state: PodState, _ container: String, _ tools: PodTools) -> Lookup {
        guard let view = state.allViews.first(where: { $0.name == container }) else { return .noPod }
        let folder = "\(tools.logFolder(state.pod))/\(container)"
        let logged = Files.names(folder).compactMap { $0.hasSuffix(".log") ? Int($0.dropLast(4)) : nil }.sorted()
        guard let attempt = view.current?.id.attempt ?? logged.last else {
            let status = StatusReport(state: state, hostAddress: "", now: tools.clock.now()).container(view)
            return .waiting(reason: status.at("state", "waiting", "reason").string ?? "ContainerCreating")
        }
        let previous = logged.last { $0 < attempt }
        return .found(
            ContainerPlace(
                id: ContainerID(sandbox: state.uid, name: container, attempt: attempt), isRunning: view.isRunning,
                log: tools.logPath(state.pod, container, attempt),
                previousLog: previous.map { tools.logPath(state.pod, container, $0) }))
    }
}
