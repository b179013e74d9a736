import Glibc
import Shared

/// Counts to ten, prints each step and ends well.
enum BatchSample {
    static func run(_ place: SamplePlace, _ clock: any WallClock, for duration: Duration) async throws -> Int32 {
        let index = SampleCommand.environment("JOB_COMPLETION_INDEX").map { " (index \($0))" } ?? ""
        for step in 1...10 {
            StandardStreams.out("\(place.pod)\(index): step \(step) of 10")
            try await clock.sleep(for: duration / 10)
        }
        StandardStreams.out("\(place.pod)\(index): done")
        return 0
    }
}

/// Lives for a while and then fails, so that restarts and their back-off can be watched.
enum CrashSample {
    /// - Parameter times: how many crashes come before it lives on; they are counted in the file `$CRASH_FILE`.
    static func run(_ place: SamplePlace, _ clock: any WallClock, after: Duration, code: Int32, times: Int) async throws
        -> Int32
    {
        let file = SampleCommand.environment("CRASH_FILE")
        let former =
            file.flatMap { try? PrivateFile.read($0) }.flatMap {
                Int(String(decoding: $0, as: UTF8.self).trimmingSpaces)
            } ?? 0
        if times > 0, former >= times {
            StandardStreams.out("\(place.pod): crashed \(former) times, lives on now")
            let signals = StopSignals()
            try await Shared.run([signals])
            return 0
        }
        StandardStreams.out("\(place.pod): will crash with code \(code) in \(after.human)")
        try await clock.sleep(for: after)
        if let file { try PrivateFile.write(file, Array(String(former + 1).utf8)) }
        StandardStreams.err("\(place.pod): crashes now")
        return code
    }
}

/// Writes a line again and again.
enum LoggerSample {
    static func run(_ place: SamplePlace, _ clock: any WallClock, every: Duration) async throws -> Int32 {
        let signals = StopSignals()
        let lines = ServiceBlock {
            var count = 0
            while true {
                count += 1
                StandardStreams.out("line \(count) of \(place.pod) on \(place.node)")
                try await clock.sleep(for: every)
            }
        }
        try await Shared.run([signals, lines])
        return 0
    }
}
