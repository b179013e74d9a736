import Shared

/// A container as the node endpoint finds it.
struct ContainerPlace: Sendable {
    /// The latest attempt.
    let id: ContainerID
    let isRunning: Bool
    /// Log file of the latest attempt.
    let log: String
    /// Log file of the attempt before it; nil when there is none.
    let previousLog: String?
    /// `stdinOnce`: the program's input ends with the first client that is attached.
    var readsInputOnce = false
}

/// What the endpoint asks of the pods on this node.
struct NodeEndpointSource: Sendable {
    enum Lookup: Sendable {
        case noPod
        /// The pod is here, but its specification names no such container.
        case noContainer
        /// It was never started; the sentence ends with the reason.
        case waiting(why: String)
        case found(ContainerPlace)
    }
    let find: @Sendable (_ namespace: String, _ pod: String, _ container: String) async -> Lookup
    /// Pods of this node, as they were last seen.
    let pods: @Sendable () async -> [Pod]
    /// Whether the pod has a network and may be connected to.
    let isRunning: @Sendable (_ namespace: String, _ pod: String) async -> Bool
    /// Connects to a port of the pod as a program inside it would, on its loopback address.
    let dial: @Sendable (_ namespace: String, _ pod: String, _ port: Int) async throws -> Connection
    /// The address of a pod; nil when it has none.
    let address: @Sendable (_ namespace: String, _ pod: String) async -> String?
    /// `/stats/summary` as the kubelet answers it.
    let stats: @Sendable () async -> JSON
}

/// What the master asks of a node: logs, exec, attach, port-forward, figures. The paths are the kubelet's.
///
/// Only the master may call: a client certificate of the cluster's authority for the master's own name or the
/// administrators' group. Source: `pkg/kubelet/server`.
struct NodeEndpoint: Sendable {
    let source: NodeEndpointSource
    let runtime: any Runtime
    let clock: any WallClock
    let log: Log

    func answer(_ incoming: HTTPServerRequest) async -> HTTPServerReply {
        let request = incoming.request
        let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let segments = (parts.first ?? "").split(separator: "/").compactMap { URLText.decode($0) }
        let query = Query(parsing: parts.count == 2 ? parts[1] : "") ?? [:]
        if segments == ["healthz"] { return Self.text(200, "ok") }
        guard let certificate = incoming.peerCertificate, Self.mayCall(certificate) else {
            let why = incoming.peerCertificateProblem.map { ": \($0)" } ?? ""
            return Self.text(401, "Unauthorized\(why)")
        }
        switch (segments.first, segments.count) {
        case ("containerLogs", 4): return await logs(segments, query)
        case ("exec", 4): return await exec(request, segments, query)
        case ("attach", 4): return await attach(request, segments, query)
        case ("portForward", 3): return await portForward(request, segments, query)
        case ("podProxy", 5...): return await podProxy(request, segments)
        case ("metrics", 1...2): return await metrics(segments)
        case ("configz", 1):
            return Self.json([
                "kubeletconfig": ["kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"]
            ])
        case ("runningpods", 1), ("pods", 1):
            let items = await source.pods().map(\.json)
            return Self.json(["kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": .array(items)])
        case ("stats", 2) where segments[1] == "summary": return Self.json(await source.stats())
        default: return Self.text(404, "404 page not found")
        }
    }

    private static func mayCall(_ certificate: Certificate) -> Bool {
        certificate.commonName == "kube-apiserver-kubelet-client"
            || certificate.organizations.contains("system:masters")
    }

    static func text(_ status: Int, _ body: String) -> HTTPServerReply {
        .whole(status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], pieces: [Array(body.utf8)])
    }
    static func json(_ body: JSON) -> HTTPServerReply {
        .whole(status: 200, headers: ["Content-Type": "application/json"], pieces: [body.encoded])
    }
    static func failure(_ status: Status) -> HTTPServerReply {
        .whole(status: status.code, headers: ["Content-Type": "application/json"], pieces: [status.json.encoded])
    }

    /// The container that a path names, or the answer that says why there is none.
    func find(_ segments: [String]) async -> Result<ContainerPlace, Status> {
        let (namespace, pod, container) = (segments[1], segments[2], segments[3])
        switch await source.find(namespace, pod, container) {
        case .noPod: return .failure(Status(.notFound, "pod does not exist"))
        case .noContainer:
            return .failure(Status(.notFound, "container \"\(container)\" not found in pod \"\(pod)\""))
        case .waiting(let why):
            return .failure(Status(.badRequest, "container \"\(container)\" in pod \"\(pod)\" \(why)"))
        case .found(let place): return .success(place)
        }
    }
}
