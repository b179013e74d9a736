import Glibc
import Shared

/// Decisions of the scheduler per second, as `kmaster simulate` makes them: at the size that the design names a goal for,
/// and over growing clusters, where the rate must fall no faster than the number of nodes that are looked at grows.
/// `Bench scheduler`. The scheduler is part of a program, so the program beside this one is asked.
enum SchedulerSpeed {
    static func run() throws {
        for shape in ["plain", "spread", "affinity"] { try simulate(nodes: 500, pods: 20_000, shape) }
        StandardStreams.out("the curve:")
        for (nodes, pods) in [(500, 5_000), (1_000, 10_000), (2_500, 25_000), (5_000, 50_000)] {
            try simulate(nodes: nodes, pods: pods, "plain")
        }
    }

    private static func simulate(nodes: Int, pods: Int, _ shape: String) throws {
        let folder = (CommandLine.arguments.first ?? "").split(separator: "/", omittingEmptySubsequences: false)
            .dropLast()
        let program = (folder + ["kmaster"]).joined(separator: "/")
        let words = [program, "simulate", "--nodes", String(nodes), "--pods", String(pods), "--shape", shape]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let code = posix_spawn(&process, program, nil, nil, &arguments, nil)
        guard code == 0 else { throw UsageError("\(program) cannot be started: \(String(cString: strerror(code)))") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        if status != 0 { throw UsageError("\(program) simulate ended with status \(status)") }
    }
}
