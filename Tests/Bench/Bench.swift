import Glibc
import Shared

/// One measurement: what `make bench` prints lines for. Figures, never pass or fail.
struct Benchmark: Sendable {
    let name: String
    let about: String
    let run: @Sendable () async throws -> Void

    static let all: [Benchmark] = [
        Benchmark(
            name: "api", about: "create, patch, get, list, watch and memory of kmaster over TLS", run: APIBench.run),
        Benchmark(name: "watchers", about: "an event to 10,000 watchers", run: APIBench.runWatchers),
        Benchmark(name: "pods", about: "start, crash and loss of pods on nodes of this machine", run: PodBench.run),
        Benchmark(name: "scheduler", about: "decisions of the scheduler per second", run: { try SchedulerSpeed.run() }),
        Benchmark(
            name: "console", about: "the console with 50,000 pods", run: { try await ConsoleSpeed.run([]) }),
        Benchmark(
            name: "http", about: "requests per second of the HTTP server alone",
            run: {
                try await HTTPThroughput.run(isSecure: false)
                try await HTTPThroughput.run(isSecure: true)
            }),
    ]
}

@main
struct Bench {
    static func main() async {
        let words = CommandLine.arguments.dropFirst()
        if words.first == "fuzz" { exit(Fuzz.run(Array(words.dropFirst()))) }
        if words.contains("--help") || !Set(words).isSubset(of: Benchmark.all.map(\.name)) {
            StandardStreams.out("Bench [NAME…]: measures all, or what is named. One line a figure, with units and n.")
            for one in Benchmark.all {
                StandardStreams.out("  \(one.name)\(String(repeating: " ", count: 12 - one.name.count))\(one.about)")
            }
            StandardStreams.out("\n\(Fuzz.command.help)")
            exit(words.contains("--help") ? 0 : 2)
        }
        for one in Benchmark.all where words.isEmpty || words.contains(one.name) {
            StandardStreams.out("# \(one.name): \(one.about)")
            do { try await one.run() } catch {
                StandardStreams.out("\(one.name) was not measured to its end: \(error)")
            }
        }
    }
}
