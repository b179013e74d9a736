import Shared
import Synchronization

extension Store {
    /// Purges at most `Limits.compactionRowsMax` rows that are due; false when nothing is left to do.
    func compactionStep() async throws(Status) -> Bool {
        let oldest = clock.now() - options.historyAge
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Bool, Status>, Never>) in
            commits.async {
                do throws(SQLiteError) {
                    continuation.resume(returning: .success(try self.compact(before: oldest)))
                } catch {
                    continuation.resume(returning: .failure(Store.status(of: error, path: self.path)))
                }
            }
        }
        return try result.get()
    }

    /// Runs on `commits`.
    private func compact(before oldest: Timestamp) throws(SQLiteError) -> Bool {
        let bytesMax = options.historyBytesMax
        var floors = floors.withLock { $0 }
        let more = try writer.withLock { table throws(SQLiteError) in
            for resource in Store.latestOnly {
                guard let floor = try table.keepLatestOnly(resource) else { continue }
                floors.byResource[resource] = floor
                return true
            }
            var target = try table.revision(at: oldest) ?? .zero
            if try table.usedBytes() > bytesMax { target = max(target, try table.head()) }
            let reached = try table.compact(from: floors.all, to: target)
            defer { floors.all = reached }
            return reached > floors.all
        }
        self.floors.withLock { $0 = floors }
        return more
    }
}
