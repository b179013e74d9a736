import Glibc
import Shared

/// `/stats/summary`. Source: kubelet `stats/v1alpha1`.
enum Stats {
    static func summary(_ loops: PodLoops, machine: Machine) async -> JSON {
        var pods: [JSON] = []
        var sum: Int64 = 0
        for state in loops.snapshots {
            guard let stats = await loops.tools.runtime.stats(state.uid) else { continue }
            let time = Timestamp(nanoseconds: stats.at).rfc3339Micro
            let starts = Dictionary(
                state.allViews.map { ($0.name, Timestamp(nanoseconds: $0.current?.startedAt ?? stats.at)) },
                uniquingKeysWith: { first, _ in first })
            sum &+= stats.pod.cpuNanoseconds
            let containers = stats.containers.sorted { $0.key < $1.key }.map { name, usage -> JSON in
                [
                    "name": .string(name), "startTime": .string((starts[name] ?? Timestamp(seconds: 0)).rfc3339Micro),
                    "cpu": cpu(usage, time), "memory": memory(usage, time),
                ]
            }
            pods.append([
                "podRef": [
                    "name": .string(state.pod.name), "namespace": .string(state.pod.namespace),
                    "uid": .string(state.uid),
                ],
                "startTime": .string((state.startTime ?? Timestamp(seconds: 0)).rfc3339),
                "containers": .array(containers), "cpu": cpu(stats.pod, time), "memory": memory(stats.pod, time),
            ])
        }
        let now = loops.tools.clock.now().rfc3339Micro
        let free = Machine.amount("MemAvailable")
        let node: JSON = [
            "nodeName": .string(loops.tools.node.name),
            "cpu": ["time": .string(now), "usageCoreNanoSeconds": .int(busyNanoseconds ?? sum)],
            "memory": [
                "time": .string(now), "workingSetBytes": JSON(machine.memoryBytes - free), "availableBytes": JSON(free),
            ],
        ]
        return ["node": node, "pods": .array(pods)]
    }

    /// CPU time of the whole machine that was not idle. Source: man 5 proc, /proc/stat.
    private static var busyNanoseconds: Int64? {
        guard let line = Files.text("/proc/stat")?.split(separator: "\n").first else { return nil }
        let numbers = line.split(separator: " ").dropFirst().compactMap { Int64($0) }
        guard numbers.count >= 8 else { return nil }
        let busy = [0, 1, 2, 5, 6, 7].reduce(Int64(0)) { $0 &+ numbers[$1] }
        return busy &* 10_000_000
    }

    private static func cpu(_ usage: Usage, _ time: String) -> JSON {
        ["time": .string(time), "usageCoreNanoSeconds": .int(usage.cpuNanoseconds)]
    }
    private static func memory(_ usage: Usage, _ time: String) -> JSON {
        ["time": .string(time), "workingSetBytes": .int(usage.workingSetBytes)]
    }
}
