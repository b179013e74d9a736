import Glibc
import Shared

/// `kagent sample …`: small programs to try a cluster with. They are configured by variables only.
enum Sample {
    static let command = Command(
        name: "kagent sample", summary: "Small programs for trying a cluster.", operands: "web|crash|batch|logger",
        notes: """
            web     a page naming pod, node and configuration on $PORT (default 8080); /healthz, /crash, /burn, /metrics
            crash   ends after $SECONDS (default 5) with exit code $CODE (default 1)
            batch   takes $STEPS (default 5) steps of $STEP_SECONDS (default 1) and ends well
            logger  writes a line every second
            """)

    static func run(_ words: [String]) async throws {
        let arguments = try Arguments(words, for: command)
        setvbuf(stdout, nil, _IOLBF, 0)
        switch arguments.operands.first {
        case "web": try await Shared.run([StopSignals(), SampleWeb()])
        case "crash":
            print("this program ends in \(number("SECONDS", 5)) s with exit code \(number("CODE", 1))")
            try await pause(.seconds(number("SECONDS", 5)))
            print("the end")
            fflush(stdout)
            exit(Int32(truncatingIfNeeded: number("CODE", 1)))
        case "batch":
            let steps = number("STEPS", 5)
            for step in stride(from: 1, through: steps, by: 1) {
                print("step \(step) of \(steps)")
                try await pause(.seconds(number("STEP_SECONDS", 1)))
            }
            print("done")
        case "logger":
            var line = 0
            while true {
                line += 1
                print("line \(line) from \(variable("POD_NAME") ?? Machine.hostname)")
                try await pause(.seconds(1))
            }
        case nil: print(command.help)
        case .some(let other):
            throw UsageError("there is no sample \"\(other)\"; choose web, crash, batch or logger")
        }
    }

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    static func number(_ name: String, _ fallback: Int) -> Int {
        variable(name).flatMap { Int($0) }.map { min(max($0, 0), 1_000_000) } ?? fallback
    }

    /// A program that SIGTERM ends while it waits.
    private static func pause(_ duration: Duration) async throws { try await SystemClock().sleep(for: duration) }
}
