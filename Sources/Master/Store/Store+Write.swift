import Shared
import Synchronization

/// Group commit. Callers queue bodies; the loop runs all queued ones against the latest state and the changes before
/// them, writes their changes in one commit, shows them to readers, then to watchers, and then resumes the callers.
/// While the disk works, the next group gathers.
extension Store {
    /// Runs `body` and returns when its changes are on the disk.
    ///
    /// A body that throws leaves no trace. It runs on the commit thread: pure, quick and without waiting.
    /// - Throws: what the body throws; 429 when `Limits.writesQueuedMax` writes wait; 507 when the disk is full.
    func write<T: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws(Status) -> T) async throws(Status)
        -> T
    { try await submit(keeping: true, body) }

    /// Runs `body` as `write` does and drops its changes: a dry run.
    func rehearse<T: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws(Status) -> T)
        async throws(Status) -> T
    { try await submit(keeping: false, body) }

    private func submit<T: Sendable>(
        keeping keeps: Bool, _ body: @escaping @Sendable (inout Transaction) throws(Status) -> T
    ) async throws(Status) -> T {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, Status>, Never>) in
            let request = WriteQueue.Request { transaction in
                transaction.isRehearsal = !keeps
                let result: Result<T, Status>
                do throws(Status) {
                    result = .success(try body(&transaction))
                } catch {
                    result = .failure(error)
                }
                var isKept = keeps
                if case .failure = result { isKept = false }
                return WriteQueue.Attempt(keeps: isKept) { failure in
                    continuation.resume(returning: failure.map { .failure($0) } ?? result)
                }
            }
            switch queue.withLock({ $0.add(request) }) {
            case .first: commits.async { self.commitRound() }
            case .later: break
            case .refused:
                var status = Status(.tooManyRequests, "too many writes wait for the disk: try again in a second")
                status.retryAfterSeconds = 1
                continuation.resume(returning: .failure(status))
            }
        }
        return try result.get()
    }

    /// Commits one group; runs on `commits`.
    private func commitRound() {
        let (requests, last) = queue.withLock { ($0.take(), $0.last) }
        var transaction = Transaction(on: latest, last: last, project: project)
        var attempts: [WriteQueue.Attempt] = []
        for request in requests {
            transaction.begin()
            let attempt = request.attempt(&transaction)
            if !attempt.keeps { transaction.rollBack() }
            attempts.append(attempt)
            if transaction.bytes > Limits.batchBytesMax { break }
        }
        let changes = transaction.changes
        let failure = changes.isEmpty ? nil : commit(changes)
        for attempt in attempts { attempt.finish(failure) }
        let again = queue.withLock { queue in
            // A failed commit may have reached the disk in part: its numbers are not given out again.
            if let last = changes.last { queue.last = last.revision }
            queue.putBack(requests[attempts.count...])
            return queue.endRound()
        }
        if again { commits.async { self.commitRound() } }
    }

    private func commit(_ changes: [Change]) -> Status? {
        let time = clock.now()
        do throws(SQLiteError) {
            let walPages = try writer.withLock { table throws(SQLiteError) in
                try table.append(changes, at: time)
                return table.connection.walPages
            }
            latest.apply(changes)
            let sink = sink.withLock { $0 }
            sink.receive(changes)
            checkpointIfDue(walPages)
            return nil
        } catch {
            return Store.status(of: error, path: path)
        }
    }

    /// Copies the write-ahead log into the database beside the running commits.
    private func checkpointIfDue(_ walPages: Int) {
        guard walPages > Limits.walPagesSoftMax, !isCheckpointing.exchange(true, ordering: .acquiringAndReleasing)
        else { return }
        checkpoints.async {
            // A checkpoint that fails is tried again after the next commit; the log keeps everything until then.
            self.checkpointer.withLock { connection in
                try? connection.checkpoint(.passive)
                if walPages > Limits.walPagesHardMax { try? connection.checkpoint(.restart) }
            }
            self.isCheckpointing.store(false, ordering: .releasing)
        }
    }

    static func status(of error: SQLiteError, path: String) -> Status {
        error.isFull
            ? Status(
                .internalError, "nothing was stored because the disk of \(path) is full: free some space and try again",
                code: 507)
            : Status(.internalError, "the state \(path) refused the request: \(error); see the log of kmaster")
    }
}
