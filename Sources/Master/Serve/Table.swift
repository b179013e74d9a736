import Shared

/// The table form of objects, as `kubectl get` asks for it. Source: `pkg/printers/internalversion`, KEP-491.
enum Table {
    /// What a row carries of its object. Source: the query parameter `includeObject`.
    enum Inclusion: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    typealias Column = TableColumn

    /// A whole table. `listMetadata` is the metadata of the list: resourceVersion, continue, remainingItemCount.
    static func make(
        _ resource: Resource, _ objects: [JSON], include: Inclusion = .metadata, now: Timestamp,
        listMetadata: JSON = [:]
    ) -> JSON {
        [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": listMetadata,
            "columnDefinitions": .array(columns(of: resource).map(\.json)),
            "rows": .array(objects.map { row(resource, $0, include: include, now: now) }),
        ]
    }

    /// One row: the cells of the object and as much of the object as asked for.
    static func row(_ resource: Resource, _ object: JSON, include: Inclusion, now: Timestamp) -> JSON {
        var row: JSON = ["cells": .array(cells(resource, object, now: now))]
        if resource.groupResource == GroupResource("pods"), let condition = completion(of: object) {
            row["conditions"] = [condition]
        }
        switch include {
        case .none: row["object"] = .null
        case .object: row["object"] = object
        case .metadata:
            row["object"] = [
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
            ]
        }
        return row
    }

    /// The columns of a resource; name and creation time when it has none of its own.
    static func columns(of resource: Resource) -> [Column] {
        if let custom = resource.custom { return custom.columns.map(\.column) }
        return known[Key(resource.group, resource.kind)] ?? fallback
    }

    /// The cells of an object, one for each column.
    static func cells(_ resource: Resource, _ object: JSON, now: Timestamp) -> [JSON] {
        if let custom = resource.custom { return custom.cells(object, now: now) }
        guard let columns = known[Key(resource.group, resource.kind)] else {
            return [object["metadata"]["name"], object["metadata"]["creationTimestamp"]]
        }
        let source = Cells(object: object, now: now)
        return columns.map { column in
            switch column.name {
            case "Name": source.name(group: resource.group, kind: resource.kind)
            case "Age": .string(source.age(object["metadata"]["creationTimestamp"]))
            case "Created At": object["metadata"]["creationTimestamp"]
            default: source.cell(column.name, group: resource.group, kind: resource.kind)
            }
        }
    }

    private struct Key: Hashable {
        let group: String
        let kind: String
        init(_ group: String, _ kind: String) {
            self.group = group
            self.kind = kind
        }
    }

    static let fallback = [
        Column(name: "Name", type: "string", format: "name"), Column(name: "Created At", type: "date"),
    ]

    private static let known: [Key: [Column]] = {
        var result: [Key: [Column]] = [:]
        for row in Asset.columns.rows where row.count == 3 {
            result[Key(row[0], row[1])] = row[2].split(separator: "|").compactMap { text in
                let parts = text.split(separator: ":", omittingEmptySubsequences: false)
                guard parts.count == 4 else { return nil }
                return Column(
                    name: String(parts[0]), type: String(parts[1]), format: String(parts[2]),
                    priority: Int(parts[3]) ?? 0)
            }
        }
        return result
    }()

    /// The condition by which clients know that a pod is done.
    private static func completion(of pod: JSON) -> JSON? {
        switch pod["status"]["phase"] {
        case "Succeeded":
            [
                "type": "Completed", "status": "True", "reason": "Succeeded",
                "message": "The pod has completed successfully.",
            ]
        case "Failed": ["type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."]
        default: nil
        }
    }

    static func description(of column: String) -> String {
        switch column {
        case "Name": "Name of the object, unique among its kind in the namespace."
        case "Age", "Created At": "Time since the object was created."
        default: "\(column) of the object."
        }
    }
}

extension TableColumn {
    var json: JSON {
        [
            "name": .string(name), "type": .string(type), "format": .string(format),
            "description": .string(description ?? Table.description(of: name)), "priority": JSON(priority),
        ]
    }
}
