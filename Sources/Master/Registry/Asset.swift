import CAssets

/// The tables of assets/api that the program carries, as lines of tab-separated cells.
enum Asset {
    case schema, enums, resources, columns, descriptions, rbac

    /// The bytes; constant data of the program, so they live as long as it does.
    var bytes: UnsafeBufferPointer<UInt8> {
        let asset =
            switch self {
            case .schema: kotohajime_asset_schema()
            case .enums: kotohajime_asset_enums()
            case .resources: kotohajime_asset_resources()
            case .columns: kotohajime_asset_columns()
            case .descriptions: kotohajime_asset_descriptions()
            case .rbac: kotohajime_asset_rbac()
            }
        return UnsafeBufferPointer(start: asset.bytes, count: asset.count)
    }

    /// Calls `body` with every line that is not empty.
    func forEachLine(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            if end > rest.startIndex { body(UnsafeBufferPointer(rebasing: rest[rest.startIndex..<end])) }
            rest = rest[min(end + 1, rest.endIndex)...]
        }
    }

    /// All lines, split at tabs. For tables that are read once and whole.
    var rows: [[String]] {
        var rows: [[String]] = []
        forEachLine { rows.append(Asset.cells($0)) }
        return rows
    }

    /// The cells of one line.
    static func cells(_ line: UnsafeBufferPointer<UInt8>) -> [String] {
        line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
