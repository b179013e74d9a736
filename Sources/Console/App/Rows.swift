import Shared

/// Reads the answers of lists and watches, with or without Table.
enum Rows {
    static func columns(_ answer: JSON) -> [TableColumn] {
        answer["columnDefinitions"].items.map {
            TableColumn(
                name: $0["name"].string ?? "", type: $0["type"].string ?? "string", priority: $0["priority"].int ?? 0)
        }
    }

    /// The items of a List or of a Table, whichever the server sent.
    static func items(_ answer: JSON, _ key: FeedKey) -> [Item] {
        if answer["kind"].string == "Table" {
            return answer["rows"].items.map { row in
                Item(metadata: ObjectMeta(row.at("object", "metadata")), .cells(row["cells"].items.map(cell)))
            }
        }
        return answer["items"].items.map { Item.project($0, key.resource.type, isWhole: key.form == .whole) }
    }

    static func event(_ line: [UInt8], _ key: FeedKey) -> ClusterSource.WatchEvent? {
        guard let json = try? JSON(parsing: line) else {
            return line.allSatisfy { $0 == 0x20 || $0 == 0x0D }
                ? nil : .failed(Status(.internalError, "the server sent a watch event that is not JSON"))
        }
        let object = json["object"]
        let revision = object.at("metadata", "resourceVersion").string ?? ""
        switch json["type"].string {
        case "BOOKMARK": return .bookmark(revision: revision)
        case "ERROR": return .failed(Status(object) ?? Status(.internalError, "the watch failed"))
        case let type:
            let found =
                object["kind"].string == "Table"
                ? items(object, key) : [Item.project(object, key.resource.type, isWhole: key.form == .whole)]
            guard let item = found.first else { return .bookmark(revision: revision) }
            let change: FeedNews.Change = type == "DELETED" ? .removed(item.key) : .put(item)
            return .change(change, revision: item.revision)
        }
    }

    private static func cell(_ json: JSON) -> String {
        switch json {
        case .string(let text): text
        case .null: ""
        default: json.text
        }
    }
}
