import Shared

/// What the operands of a command name: kinds, and names of each (none: all of them).
struct Selection: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        let resource: ServedResource
        var names: [String]
    }
    var entries: [Entry]
    /// More than one kind may come: names are shown with their kind.
    var isMixed: Bool { entries.count > 1 }

    /// Reads `pods`, `pods,svc`, `pod a b`, `pod/a svc/b` and `all`.
    /// - Throws: a sentence for unknown kinds and mixed forms.
    init(_ operands: [String], _ known: ServedResources) throws(Failure) {
        var entries: [Entry] = []
        func add(_ resource: ServedResource, _ name: String?) {
            if let index = entries.firstIndex(where: { $0.resource == resource }) {
                if let name { entries[index].names.append(name) }
            } else {
                entries.append(Entry(resource: resource, names: name.map { [$0] } ?? []))
            }
        }
        if let pair = operands.first, pair.contains("/") {
            for operand in operands {
                let parts = operand.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !parts[1].contains("/") else {
                    throw Failure("Where one argument is KIND/NAME all of them are, but \"\(operand)\" is not.")
                }
                add(try known.require(String(parts[0])), String(parts[1]))
            }
        } else if let kinds = operands.first {
            for word in kinds.split(separator: ",").map(String.init) {
                let category = known.find(word) == nil ? known.category(word) : []
                for resource in category { add(resource, nil) }
                if category.isEmpty { add(try known.require(word), nil) }
            }
            for index in entries.indices { entries[index].names = Array(operands.dropFirst()) }
        }
        self.entries = entries
    }
}
