import Glibc
import Shared

/// What the master asks a node for: logs, exec, attach, statistics. Only the master and administrators may call.
/// The paths are the kubelet's.
struct NodeEndpoint: Sendable {
    let loops: PodLoops
    let runtime: any Runtime
    let machine: Machine
    let log: Log

    func answer(_ call: HTTPServerRequest) async -> HTTPServerReply {
        let target = call.request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = target[0].split(separator: "/").compactMap { URLText.decode($0) }
        guard let query = Query(parsing: target.count > 1 ? target[1] : "") else {
            return Self.refuse(400, "The query of the request is not percent-encoded properly.")
        }
        if path == ["healthz"] { return Self.text(200, "ok") }
        guard let certificate = call.peerCertificate else {
            return Self.refuse(401, call.peerCertificateProblem ?? "Unauthorized")
        }
        guard
            certificate.commonName == "kube-apiserver-kubelet-client"
                || certificate.organizations.contains("system:masters")
        else { return Self.refuse(403, "Forbidden (user=\(certificate.commonName)): only the master may call a node.") }
        switch (path.first ?? "", path.count) {
        case ("containerLogs", 4):
            return await logs(namespace: path[1], pod: path[2], container: path[3], query)
        case ("exec", 4), ("attach", 4):
            return await terminal(call.request, path, query)
        case ("portForward", 3):
            return Self.refuse(501, "This agent does not forward ports yet; reach the pod through a service or its address.")
        case ("pods", 1):
            let pods = loops.snapshots.map(\.pod.json)
            return Self.json(["kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": .array(pods)])
        case ("stats", 2) where path[1] == "summary": return Self.json(await Stats.summary(self))
        default: return Self.refuse(404, "404 page not found")
        }
    }

    static func text(_ status: Int, _ text: String) -> HTTPServerReply {
        .whole(status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], pieces: [Array(text.utf8)])
    }
    static func refuse(_ status: Int, _ text: String) -> HTTPServerReply { self.text(status, text + "\n") }
    static func json(_ json: JSON) -> HTTPServerReply {
        .whole(status: 200, headers: ["Content-Type": "application/json"], pieces: [json.encoded])
    }
}

/// `/stats/summary`. Source: kubelet `stats/v1alpha1`.
enum Stats {
    static func summary(_ endpoint: NodeEndpoint) async -> JSON {
        var pods: [JSON] = []
        var nodeCPU: Int64 = 0
        for state in endpoint.loops.snapshots {
            guard let stats = await endpoint.runtime.stats(state.uid) else { continue }
            let time = Timestamp(nanoseconds: stats.at).rfc3339
            nodeCPU &+= stats.pod.cpuNanoseconds
            let containers = stats.containers.sorted { $0.key < $1.key }.map { name, usage -> JSON in
                ["name": .string(name), "cpu": cpu(usage, time), "memory": memory(usage, time)]
            }
            pods.append([
                "podRef": [
                    "name": .string(state.pod.name), "namespace": .string(state.pod.namespace), "uid": .string(state.uid),
                ],
                "startTime": .string((state.startTime ?? Timestamp(seconds: 0)).rfc3339), "containers": .array(containers),
                "cpu": cpu(stats.pod, time), "memory": memory(stats.pod, time),
            ])
        }
        let now = endpoint.loops.tools.clock.now().rfc3339
        let used = endpoint.machine.memoryBytes - Machine.amount("MemAvailable")
        let node: JSON = [
            "nodeName": .string(endpoint.loops.tools.node.name),
            "cpu": ["time": .string(now), "usageCoreNanoSeconds": .int(cpuNanoseconds() ?? nodeCPU)],
            "memory": [
                "time": .string(now), "workingSetBytes": JSON(used), "availableBytes": JSON(Machine.amount("MemAvailable")),
            ],
        ]
        return ["node": node, "pods": .array(pods)]
    }

    /// CPU time of the whole machine that was not idle. Source: man 5 proc, /proc/stat.
    private static func cpuNanoseconds() -> Int64? {
        guard let line = Files.text("/proc/stat")?.split(separator: "\n").first else { return nil }
        let numbers = line.split(separator: " ").dropFirst().compactMap { Int64($0) }
        guard numbers.count >= 8 else { return nil }
        let busy = numbers[0] + numbers[1] + numbers[2] + numbers[5] + numbers[6] + numbers[7]
        return busy &* 10_000_000
    }

    private static func cpu(_ usage: Usage, _ time: String) -> JSON {
        ["time": .string(time), "usageCoreNanoSeconds": .int(usage.cpuNanoseconds)]
    }
    private static func memory(_ usage: Usage, _ time: String) -> JSON {
        ["time": .string(time), "workingSetBytes": .int(usage.workingSetBytes)]
    }
}
