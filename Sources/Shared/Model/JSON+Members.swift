extension JSON {
    /// The members of an object in their order. Look-up is linear, which is fastest at the sizes objects have.
    ///
    /// Keys are unique: a second `append` of a key is a programming error; codecs use `set`. Equality ignores order.
    package struct Members: Sendable {
        package typealias Member = (key: String, value: JSON)
        private var storage: ContiguousArray<Member>

        package init() { storage = [] }
        /// Later members replace earlier ones of the same key.
        package init(_ members: some Sequence<(String, JSON)>) {
            storage = []
            for (key, value) in members { set(key, value) }
        }

        /// - Parameter members: no key occurs twice.
        init(unique members: ContiguousArray<Member>.SubSequence) { storage = ContiguousArray(members) }

        package func index(of key: String) -> Int? {
            // Counted by hand: without optimisation a range costs more than the comparison.
            var index = 0
            while index < storage.count {
                if storage[index].key == key { return index }
                index += 1
            }
            return nil
        }

        package subscript(key: String) -> JSON? {
            get { index(of: key).map { storage[$0].value } }
            set {
                if let newValue { set(key, newValue) } else { removeValue(for: key) }
            }
        }

        package mutating func set(_ key: String, _ value: JSON) {
            if let index = index(of: key) { storage[index].value = value } else { storage.append((key, value)) }
        }

        /// Adds a member whose key is known to be new.
        package mutating func append(_ key: String, _ value: JSON) { storage.append((key, value)) }

        package mutating func reserveCapacity(_ count: Int) { storage.reserveCapacity(count) }

        @discardableResult
        package mutating func removeValue(for key: String) -> JSON? {
            index(of: key).map { storage.remove(at: $0).value }
        }

        package mutating func removeAll(where drop: (Member) -> Bool) { storage.removeAll(where: drop) }

        package func value(at index: Int) -> JSON { storage[index].value }
        package mutating func replace(at index: Int, with value: JSON) { storage[index].value = value }
        /// Lets go of the value, so that its next change happens in place.
        mutating func clear(at index: Int) { storage[index].value = .null }

        package var keys: [String] { storage.map(\.key) }
        package func sorted() -> Members {
            var copy = Members()
            copy.storage = ContiguousArray(storage.sorted { $0.key < $1.key })
            return copy
        }
    }
}

extension JSON.Members: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { storage.count }
    package var count: Int { storage.count }
    package var isEmpty: Bool { storage.isEmpty }
    package subscript(position: Int) -> Member { storage[position] }
}

extension JSON.Members: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.storage.indices {
            let member = left.storage[index]
            // Objects of one origin have one order: look at the same place first.
            let other = right.storage[index].key == member.key ? right.storage[index].value : right[member.key]
            guard other == member.value else { return false }
        }
        return true
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        var sum = 0
        for member in storage {
            var one = Hasher()
            one.combine(member.key)
            one.combine(member.value)
            sum &+= one.finalize()
        }
        hasher.combine(sum)
    }
}
