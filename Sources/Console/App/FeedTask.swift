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

    /// Reads a whole list, page by page.
    /// - Returns: the revision that a watch continues from.
    static func list(_ key: FeedKey, _ source: ClusterSource, _ send: (FeedNews) -> Void) async throws -> String {
        var page = try await source.list(key, nil)
        var isFirst = true
        while let token = page.next {
            // The next page travels while this one is read.
            async let following = source.list(key, token)
            try tell(page, isFirst, send)
            isFirst = false
            page = try await following
        }
        try tell(page, isFirst, send)
        send(.listed)
        return page.revision
    }

    private static func tell(_ page: ClusterSource.Page, _ isFirst: Bool, _ send: (FeedNews) -> Void) throws {
        let (items, columns) = try page.read()
        send(.page(items, columns: columns, isFirst: isFirst, remaining: page.next == nil ? nil : page.remaining))
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
