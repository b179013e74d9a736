import Shared

/// The recent changes of one resource, oldest first. The oldest fall out above `Limits.ringChangesMax` changes or
/// `Limits.ringBytesMax` bytes.
struct ChangeRing {
    private var changes: [Change] = []
    private var start = 0
    private var bytes = 0
    /// Every change after this revision is in the ring.
    private(set) var floor: Revision

    init(floor: Revision) { self.floor = floor }

    var count: Int { changes.count - start }

    mutating func append(_ change: Change) {
        changes.append(change)
        bytes += change.stored.bytes.count
        while count > Limits.ringChangesMax || (bytes > Limits.ringBytesMax && count > 1) {
            bytes -= changes[start].stored.bytes.count
            floor = changes[start].revision
            start += 1
        }
        // Moves the rest to the front once it is the smaller part, so that every change moves once at most.
        if start > changes.count / 2 {
            changes.removeFirst(start)
            start = 0
        }
    }

    /// The changes after a revision; nil when some of them have fallen out.
    func after(_ revision: Revision) -> ArraySlice<Change>? {
        guard revision >= floor else { return nil }
        var low = start
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return changes[low...]
    }
}
