import Shared

/// Keeps one list and its watch running: pages first, then changes, again after every loss, with back-off. It gives
/// up only when the server refuses, and asks again after a while even then.
enum FeedTask {
    static func run(
        _ key: FeedKey, _ source: ClusterSource, _ clock: any WallClock, _ send: @Sendable (FeedNews) -> Void
    ) async {
        var backoff = Backoff(first: .milliseconds(500), most: .seconds(15))
        while !Task.isCancelled {
            do {
                var revision = try await list(key, source, send)
                send(.live)
                backoff.reset()
                while !Task.isCancelled {
                    guard let next = try await watch(key, from: revision, source, send) else { break }
                    // A server may end a watch at any time; one that ends at once is not asked in a tight loop.
                    if next == revision { try await clock.sleep(for: .seconds(1)) }
                    revision = next
                }
            } catch is CancellationError {
                return
            } catch let status as Status where [401, 403, 404, 405].contains(status.code) {
                send(.refused(status))
                try? await clock.sleep(for: .seconds(30))
            } catch {
                let delay = backoff.next()
                send(.lost("\(error)", retry: delay))
                try? await clock.sleep(for: delay)
            }
        }
    }

    private static func list(_ key: FeedKey, _ source: ClusterSource, _ send: @Sendable (FeedNews) -> Void) async throws
        -> String
    {
        var token: String?
        var revision = ""
        var isFirst = true
        repeat {
            let page = try await source.list(key, token)
            send(
                .page(
                    page.items, columns: page.columns, isFirst: isFirst,
                    remaining: page.next == nil ? nil : page.remaining))
            isFirst = false
            token = page.next
            revision = page.revision
        } while token != nil
        send(.listed)
        return revision
    }

    /// - Returns: the revision to continue from; nil when a new list is needed (410 Gone).
    private static func watch(
        _ key: FeedKey, from start: String, _ source: ClusterSource, _ send: @Sendable (FeedNews) -> Void
    ) async throws -> String? {
        var revision = start
        let watch: ClusterSource.Watch
        do { watch = try await source.watch(key, start) } catch let status as Status where status.code == 410 {
            return nil
        }
        defer { watch.close() }
        return try await withTaskCancellationHandler {
            while let events = try await watch.next() {
                var changes: [FeedNews.Change] = []
                for event in events {
                    switch event {
                    case .change(let change, let at):
                        changes.append(change)
                        if !at.isEmpty { revision = at }
                    case .bookmark(let at): if !at.isEmpty { revision = at }
                    case .failed(let status):
                        if !changes.isEmpty { send(.changed(changes)) }
                        if status.code == 410 { return nil }
                        throw status
                    }
                }
                if !changes.isEmpty { send(.changed(changes)) }
            }
            return revision
        } onCancel: {
            watch.close()
        }
    }

    /// Asks the server for its version every few seconds: a sick or unreachable API is known before a watch notices.
    static func pulse(_ source: ClusterSource, _ clock: any WallClock, _ send: @Sendable (Message) -> Void) async {
        var downSince: Timestamp?
        var lastGood: Timestamp?
        while !Task.isCancelled {
            do {
                let limit = Duration.seconds(Limits.pulseSeconds)
                guard let version = try await clock.within(limit, { try await source.version() }) else {
                    throw Status(.timeout, "no answer within \(limit.human)")
                }
                downSince = nil
                lastGood = clock.now()
                send(.pulse(.up(version: version)))
            } catch is CancellationError {
                return
            } catch {
                let since = downSince ?? lastGood ?? clock.now()
                downSince = since
                send(.pulse(.down(since: since, why: "\(error)")))
            }
            try? await clock.sleep(for: downSince == nil ? .seconds(Limits.pulseSeconds) : .seconds(1))
        }
    }

    static func discover(_ source: ClusterSource, _ clock: any WallClock, _ send: @Sendable (Message) -> Void) async {
        var backoff = Backoff(first: .milliseconds(500), most: .seconds(15))
        while !Task.isCancelled {
            if let resources = try? await source.discover() { return send(.discovered(resources)) }
            // Why it failed is what the pulse tells.
            try? await clock.sleep(for: backoff.next())
        }
    }
}

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
