import Shared

/// The rows of a table in their order: filtered and sorted once, then kept so by every change. Only keys are kept here;
/// rows become text when they are visible.
struct RowIndex: Sendable {
    struct Entry: Sendable {
        let order: SortKey
        let key: Item.Key
    }
    private(set) var entries: [Entry] = []
    private(set) var total = 0
    var order: @Sendable (Item) -> SortKey = { .text($0.name) }
    var isDescending = false
    var isShown: @Sendable (Item) -> Bool = { _ in true }

    mutating func rebuild(_ items: some Collection<Item>) {
        total = items.count
        entries = items.filter(isShown).map { Entry(order: order($0), key: $0.key) }
        entries.sort(by: precedes)
    }

    /// Applies changes one by one; many at once are cheaper to sort anew, which the caller does when this gives false.
    mutating func apply(_ changes: [(old: Item?, new: Item?)]) -> Bool {
        guard changes.count <= 256 else { return false }
        for change in changes {
            if change.old == nil { total += 1 }
            if change.new == nil { total -= 1 }
            let old = change.old.flatMap { isShown($0) ? Entry(order: order($0), key: $0.key) : nil }
            let new = change.new.flatMap { isShown($0) ? Entry(order: order($0), key: $0.key) : nil }
            if let old, let new, old.order == new.order, old.key == new.key { continue }
            if let old {
                let index = position(of: old)
                guard index < entries.count, entries[index].key == old.key else { return false }
                entries.remove(at: index)
            }
            if let new { entries.insert(new, at: position(of: new)) }
        }
        return true
    }

    func index(of item: Item) -> Int? {
        let index = position(of: Entry(order: order(item), key: item.key))
        return index < entries.count && entries[index].key == item.key ? index : nil
    }

    /// The first place whose entry does not precede this one.
    private func position(of entry: Entry) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if precedes(entries[middle], entry) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func precedes(_ left: Entry, _ right: Entry) -> Bool {
        if left.order != right.order { return isDescending ? left.order > right.order : left.order < right.order }
        return left.key < right.key
    }
}
