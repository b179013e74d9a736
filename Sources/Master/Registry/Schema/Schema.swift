import Shared
import Synchronization

/// The types of the API, read from the program's tables when they are first asked for. Source: `assets/api/schema.txt`.
enum Schema {
    /// Where each type's line is, and which type belongs to a kind.
    private struct Index: Sendable {
        var lines: [String: Range<Int>] = [:]
        var kinds: [GroupVersionKind: String] = [:]
        var names: [String] = []

        init() {
            lines.reserveCapacity(700)
            guard let base = Asset.schema.bytes.baseAddress else { return }
            Asset.schema.forEachLine { line in
                guard let start = line.baseAddress else { return }
                let cells = line.split(separator: UInt8(ascii: "\t"), maxSplits: 2)
                guard cells.count > 1 else { return }
                let name = String(decoding: cells[0], as: UTF8.self)
                let offset = start - base
                lines[name] = offset..<offset + line.count
                names.append(name)
                let parts = cells[1].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                guard parts.count == 3 else { return }
                let kind = GroupVersionKind(
                    group: String(decoding: parts[0], as: UTF8.self),
                    version: String(decoding: parts[1], as: UTF8.self), kind: String(decoding: parts[2], as: UTF8.self))
                kinds[kind] = kinds[kind] ?? name
            }
        }
    }

    private static let index = Index()
    private static let cache = Mutex<[String: SchemaType]>([:])

    /// The type of a kind; nil when the kind has none, as custom resources do.
    static func of(_ kind: GroupVersionKind) -> SchemaType? { index.kinds[kind].flatMap(type) }

    /// The type of this name.
    static func type(_ name: String) -> SchemaType? {
        if let known = cache.withLock({ $0[name] }) { return known }
        guard let range = index.lines[name] else { return nil }
        let type = SchemaType(cells: Asset.cells(UnsafeBufferPointer(rebasing: Asset.schema.bytes[range])))
        cache.withLock { $0[name] = type }
        return type
    }

    /// The names of all types, in the order of the table.
    static var names: [String] { index.names }

    /// How a patch treats a field. Source: the `patchStrategy` and `patchMergeKey` tags of the Go types.
    struct PatchField: Sendable, Equatable {
        /// `merge`, `replace`, `retainKeys`, `merge,retainKeys`, or empty.
        let strategy: String
        /// The field by which items of the list are told apart; empty when items are plain values.
        let mergeKey: String
        /// The type of the field's value when it is a struct or a map of structs.
        let childType: String?
        /// The type of the items when the field is a list of structs.
        let elementType: String?
    }

    /// The rule for `field` of the type named `type`; nil when the type has no such field.
    static func patchField(_ type: String, _ field: String) -> PatchField? {
        guard let found = self.type(type)?[field] else { return nil }
        var childType: String?
        var elementType: String?
        if case .array = found.type { elementType = found.structName } else { childType = found.structName }
        return PatchField(
            strategy: found.patchStrategy ?? "", mergeKey: found.mergeKey ?? "", childType: childType,
            elementType: elementType)
    }

    private static let enumerations: [String: [String]] = {
        var result: [String: [String]] = [:]
        for row in Asset.enums.rows where row.count > 1 { result[row[0]] = Array(row.dropFirst()) }
        return result
    }()

    /// The values of an enumeration; nil when others may occur.
    static func closedValues(of enumeration: String) -> [String]? {
        guard let row = enumerations[enumeration], row.first == "=" else { return nil }
        return Array(row.dropFirst())
    }
}
