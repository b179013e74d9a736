import Shared

/// Doing something many times with care: a small first batch shows whether it works at all, then batches double.
/// Source: `slowStartBatch` of the replica set controller.
enum Batches {
    /// Runs `body` for 0..<count; stops after the first batch in which one failed.
    /// - Returns: how many succeeded, and the first error.
    static func slowStart(
        _ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async -> (done: Int, error: (any Error)?) {
        var done = 0
        var next = 0
        var size = min(count, 1)
        while size > 0 {
            let range = next..<(next + size)
            let failures = await run(range, body)
            done += size - failures.count
            if let first = failures.first { return (done, first) }
            next += size
            size = min(2 * size, count - next, Limits.parallelWritesMax)
        }
        return (done, nil)
    }

    /// Runs `body` for every item, a bounded number at a time.
    /// - Throws: the first error, after all have ended.
    static func each<Item: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async throws -> Void
    ) async throws {
        var next = 0
        var failure: (any Error)?
        while next < items.count {
            let range = next..<min(items.count, next + Limits.parallelWritesMax)
            let failures = await run(range) { try await body(items[$0]) }
            failure = failure ?? failures.first
            next = range.upperBound
        }
        if let failure { throw failure }
    }

    private static func run(
        _ range: Range<Int>, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async -> [any Error] {
        await withTaskGroup(of: (any Error)?.self) { group in
            for index in range {
                group.addTask {
                    do {
                        try await body(index)
                        return nil
                    } catch { return error }
                }
            }
            var failures: [any Error] = []
            for await failure in group { if let failure { failures.append(failure) } }
            return failures
        }
    }
}
