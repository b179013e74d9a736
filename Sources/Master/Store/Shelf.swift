import Shared

/// The latest objects of one resource, sorted by namespace and name, in pages: a change touches one page, a snapshot
/// shares all of them.
struct Shelf: Sendable {
    private var pages: [[Stored]] = []
    private(set) var count = 0
    /// The revision of the last change; at most the store's head.
    private(set) var lastChange = Revision.zero

    /// Objects that come in any order, as the database gives them.
    init(_ objects: [Stored] = []) {
        let sorted = objects.sorted { Place($0.key) < Place($1.key) }
        var start = 0
        while start < sorted.count {
            let end = min(start + Limits.shelfPageMax * 3 / 4, sorted.count)
            pages.append(Array(sorted[start..<end]))
            start = end
        }
        count = sorted.count
        lastChange = objects.map(\.revision).max() ?? .zero
    }

    func get(_ key: ObjectKey) -> Stored? {
        let spot = spot(of: Place(key))
        return spot.isTaken ? pages[spot.page][spot.index] : nil
    }

    mutating func put(_ stored: Stored) {
        lastChange = stored.revision
        let spot = spot(of: Place(stored.key))
        if spot.isTaken {
            pages[spot.page][spot.index] = stored
            return
        }
        count += 1
        if pages.isEmpty { pages.append([]) }
        pages[spot.page].insert(stored, at: spot.index)
        if pages[spot.page].count > Limits.shelfPageMax {
            let half = pages[spot.page].count / 2
            pages.insert(Array(pages[spot.page][half...]), at: spot.page + 1)
            pages[spot.page].removeSubrange(half...)
        }
    }

    mutating func remove(_ key: ObjectKey, at revision: Revision) {
        lastChange = revision
        let spot = spot(of: Place(key))
        guard spot.isTaken else { return }
        count -= 1
        pages[spot.page].remove(at: spot.index)
        if pages[spot.page].isEmpty { pages.remove(at: spot.page) }
    }

    /// Objects in order: all, or those of one namespace; those after a key; at most `limit` of them.
    /// `remaining` counts the ones that were left out at the end.
    func list(namespace: String?, after: ObjectKey? = nil, limit: Int = .max) -> (items: [Stored], remaining: Int) {
        var from = namespace.map { first(atOrAfter: Place(namespace: $0, name: "")) } ?? (page: 0, index: 0)
        if let after {
            let spot = spot(of: Place(after))
            let next = (page: spot.page, index: spot.index + (spot.isTaken ? 1 : 0))
            if next > from { from = next }
        }
        var items: [Stored] = []
        var remaining = 0
        for page in pages.indices.dropFirst(from.page) {
            let start = page == from.page ? min(from.index, pages[page].count) : 0
            var slice = pages[page][start...]
            var isLast = false
            if let namespace, let last = slice.last, last.key.namespace != namespace {
                slice = slice.prefix { $0.key.namespace == namespace }
                isLast = true
            }
            let taken = slice.prefix(max(0, limit - items.count))
            items.append(contentsOf: taken)
            remaining += slice.count - taken.count
            if isLast { break }
        }
        return (items, remaining)
    }

    /// An object's place within its resource.
    private struct Place: Comparable {
        let namespace: String
        let name: String
        init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }
        init(_ key: ObjectKey) { self.init(namespace: key.namespace, name: key.name) }
        static func < (left: Place, right: Place) -> Bool {
            left.namespace == right.namespace ? left.name < right.name : left.namespace < right.namespace
        }
    }

    /// Where an object is, or where it would be inserted.
    private func spot(of place: Place) -> (page: Int, index: Int, isTaken: Bool) {
        let (page, index) = first(atOrAfter: place)
        guard page < pages.count, index < pages[page].count else { return (page, index, false) }
        return (page, index, Place(pages[page][index].key) == place)
    }

    /// The first object at or after `place`; after the end of a page rather than before the first of the next.
    private func first(atOrAfter place: Place) -> (page: Int, index: Int) {
        var low = 0
        var high = pages.count
        while low < high {
            let middle = (low + high) / 2
            if Place(pages[middle][0].key) <= place { low = middle + 1 } else { high = middle }
        }
        let page = max(0, low - 1)
        guard page < pages.count else { return (0, 0) }
        low = 0
        high = pages[page].count
        while low < high {
            let middle = (low + high) / 2
            if Place(pages[page][middle].key) < place { low = middle + 1 } else { high = middle }
        }
        return (page, low)
    }
}
