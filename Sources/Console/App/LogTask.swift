import Shared

/// Keeps one log stream running; after an end it is opened again behind the last line.
enum LogTask {
    static func run(_ key: LogKey, _ source: ClusterSource, _ clock: any WallClock, _ send: @Sendable (LogNews) -> Void)
        async
    {
        var backoff = Backoff(first: .milliseconds(500), most: .seconds(10))
        var key = key
        var last = ""
        while !Task.isCancelled {
            do {
                let stream = try await source.logs(key)
                defer { stream.close() }
                send(.opened)
                backoff.reset()
                try await withTaskCancellationHandler {
                    var splitter = LineSplitter(lineBytesMax: Limits.logLineBytesMax)
                    while let bytes = try await stream.next() { deliver(splitter.split(bytes), key, &last, send) }
                    deliver(splitter.flush().map { [$0] } ?? [], key, &last, send)
                } onCancel: {
                    stream.close()
                }
                if key.isPrevious { return send(.ended("end of this run", isFinal: true)) }
                send(.ended("The container is not running.", isFinal: false))
            } catch is CancellationError {
                return
            } catch {
                send(.ended("\(error)", isFinal: key.isPrevious))
                if key.isPrevious { return }
            }
            if !last.isEmpty { key.since = last }
            try? await clock.sleep(for: backoff.next())
        }
    }

    /// Lines start with their time; those that were seen before a break are left out.
    private static func deliver(
        _ lines: [[UInt8]], _ key: LogKey, _ last: inout String, _ send: @Sendable (LogNews) -> Void
    ) {
        var fresh: [LogLine] = []
        for bytes in lines {
            let line = LogTask.parse(bytes, key.container)
            if !line.time.isEmpty {
                if key.since != nil, line.time <= last { continue }
                last = line.time
            }
            fresh.append(line)
        }
        if !fresh.isEmpty { send(.lines(fresh)) }
    }

    static func parse(_ bytes: [UInt8], _ container: String) -> LogLine {
        let isCut = bytes.count > Limits.logLineBytesMax
        var text = SafeText.decode(bytes.prefix(Limits.logLineBytesMax).filter { $0 != 0x0D }) + (isCut ? " …cut" : "")
        var time = ""
        if let space = text.firstIndex(of: " "), Timestamp(rfc3339: text[..<space]) != nil {
            time = String(text[..<space])
            text = String(text[text.index(after: space)...])
        }
        return LogLine(time: time, container: container, text: text)
    }
}
