import Shared

/// The objects of one feed, with their state of freshness.
struct Feed: Sendable {
    enum State: Equatable, Sendable {
        case loading
        case live
        case stale(since: Timestamp, why: String)
        case refused(Status)
    }
    private(set) var state = State.loading
    private(set) var columns: [TableColumn] = []
    private(set) var items: [Item.Key: Item] = [:]
    /// Counts changes; a cache made for another version is old.
    private(set) var version = 0
    private(set) var remaining: Int?
    /// True once a list was complete.
    private(set) var isComplete = false
    private var unseen: Set<Item.Key>?

    /// Takes in news and tells which objects are not what they were, with their former state.
    mutating func receive(_ news: FeedNews, now: Timestamp) -> [(old: Item?, new: Item?)] {
        switch news {
        case .page(let page, let titles, let isFirst, let rest):
            if isFirst { unseen = Set(items.keys) }
            if !titles.isEmpty { columns = titles }
            remaining = rest
            return page.compactMap { put($0) }
        case .listed:
            isComplete = true
            remaining = nil
            let gone = unseen ?? []
            unseen = nil
            version += 1
            return gone.compactMap { remove($0) }
        case .changed(let changes):
            if case .stale = state { state = .live }
            return changes.compactMap { change in
                switch change {
                case .put(let item): put(item)
                case .removed(let key): remove(key)
                }
            }
        case .live: state = .live
        case .lost(let why, _):
            if case .stale(let since, _) = state {
                state = .stale(since: since, why: why)
            } else {
                state = .stale(since: now, why: why)
            }
        case .refused(let status): state = .refused(status)
        }
        return []
    }

    private mutating func put(_ item: Item) -> (old: Item?, new: Item?)? {
        unseen?.remove(item.key)
        let old = items.updateValue(item, forKey: item.key)
        if old == item { return nil }
        version += 1
        return (old, item)
    }
    private mutating func remove(_ key: Item.Key) -> (old: Item?, new: Item?)? {
        guard let old = items.removeValue(forKey: key) else { return nil }
        version += 1
        return (old, nil)
    }
}
