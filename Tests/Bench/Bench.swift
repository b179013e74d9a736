@main
struct Bench {
    static func main() async throws {
        let words = CommandLine.arguments.dropFirst()
        if words.first == "http" { return try await HTTPThroughput.run(isSecure: words.contains("tls")) }
        if words.first == "scheduler" { return try SchedulerSpeed.run() }
        if words.first == "console" { return try await ConsoleSpeed.run(Array(words.dropFirst())) }
        print("bench")
    }
}
