import Shared

/// The rows of a table in their order: sorted and filtered once, then kept so by every change. Rows become text when they
/// are visible. A filter that is typed narrows what the letters before have left.
struct RowIndex: Sendable {
    struct Entry: Sendable {
        let order: SortKey
        let item: Item
        var key: Item.Key { item.key }
    }
    /// All rows of the table in their order.
    private var sorted: [Entry] = []
    /// Those that the filter lets through; nil without one.
    private var filtered: [Entry]?

    var order: @Sendable (Item) -> SortKey = { .text($0.name) }
    var isDescending = false
    /// Whether an item belongs into the table at all.
    var isMember: @Sendable (Item) -> Bool = { _ in true }
    private var isShown: (@Sendable (Item) -> Bool)?

    var entries: [Entry] { filtered ?? sorted }
    /// Rows without the filter.
    var total: Int { sorted.count }

    mutating func rebuild(_ items: some Collection<Item>) {
        sorted = items.filter(isMember).map(entry)
        sorted.sort(by: precedes)
        filter(isShown, narrowing: false)
    }

    /// - Parameter narrowing: nothing that the former filter kept back can pass this one.
    mutating func filter(_ isShown: (@Sendable (Item) -> Bool)?, narrowing: Bool) {
        self.isShown = isShown
        guard let isShown else {
            filtered = nil
            return
        }
        let base = narrowing ? filtered ?? sorted : sorted
        filtered = base.filter { isShown($0.item) }
    }

    /// Applies changes; false: they do not fit what is known, and everything has to be read anew.
    mutating func apply(_ changes: [(old: Item?, new: Item?)]) -> Bool {
        let steps = changes.map { change in
            (
                old: change.old.flatMap { isMember($0) ? entry($0) : nil },
                new: change.new.flatMap { isMember($0) ? entry($0) : nil }
            )
        }
        // Taken out, so that the change happens in place: an array that two names hold is copied.
        var all = sorted
        sorted = []
        let isKnown = change(&all, steps)
        sorted = all
        guard isKnown else { return false }
        guard let isShown, var shown = filtered.take() else { return true }
        let passed = steps.map { step in
            (
                old: step.old.flatMap { isShown($0.item) ? $0 : nil },
                new: step.new.flatMap { isShown($0.item) ? $0 : nil }
            )
        }
        let fits = change(&shown, passed)
        filtered = shown
        return fits
    }

    private func entry(_ item: Item) -> Entry { Entry(order: order(item), item: item) }

    private func change(_ entries: inout [Entry], _ steps: [(old: Entry?, new: Entry?)]) -> Bool {
        guard steps.count <= 64 else {
            merge(&entries, steps)
            return true
        }
        for step in steps {
            if let old = step.old {
                let index = position(of: old, in: entries)
                guard index < entries.count, entries[index].key == old.key else { return false }
                if let new = step.new, new.order == old.order, new.key == old.key {
                    entries[index] = new
                    continue
                }
                entries.remove(at: index)
            }
            if let new = step.new { entries.insert(new, at: position(of: new, in: entries)) }
        }
        return true
    }

    /// Many changes at once: one walk over all rows.
    private func merge(_ entries: inout [Entry], _ steps: [(old: Entry?, new: Entry?)]) {
        var last: [Item.Key: Entry] = [:]
        var gone: Set<Item.Key> = []
        for step in steps {
            if let old = step.old {
                gone.insert(old.key)
                last[old.key] = nil
            }
            if let new = step.new { last[new.key] = new }
        }
        let added = last.values.sorted(by: precedes)
        var result: [Entry] = []
        result.reserveCapacity(entries.count + added.count)
        var next = added.startIndex
        for entry in entries {
            if !gone.isEmpty, gone.contains(entry.key) { continue }
            while next < added.endIndex, precedes(added[next], entry) {
                result.append(added[next])
                next += 1
            }
            result.append(entry)
        }
        result += added[next...]
        entries = result
    }

    func index(of item: Item) -> Int? {
        let entries = entries
        let index = position(of: entry(item), in: entries)
        return index < entries.count && entries[index].key == item.key ? index : nil
    }

    /// The first place whose entry does not precede this one.
    private func position(of entry: Entry, in entries: [Entry]) -> Int {
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
