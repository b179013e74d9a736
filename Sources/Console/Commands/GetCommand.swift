import Shared

/// `kconsole get`: lists objects.
enum GetCommand {
    static let outputFlag = Shared.Command.Flag(
        "output", short: "o", .one("FORMAT"),
        choices: ["wide", "json", "yaml", "name", "jsonpath=", "jsonpath-as-json=", "custom-columns="],
        help: "wide, json, yaml, name, jsonpath=TEMPLATE, jsonpath-as-json=TEMPLATE or custom-columns=HEADER:PATH,…")
    static let selectorFlag = Shared.Command.Flag(
        "selector", short: "l", .one("LABELS"), help: "only objects with these labels, such as app=web,tier!=test")
    static let allNamespacesFlag = Shared.Command.Flag("all-namespaces", short: "A", help: "look in all namespaces")

    static let verb = Verb(
        "get", "List objects of one or more kinds.", operands: "KIND[,KIND…] [NAME…] | KIND/NAME…",
        flags: [
            outputFlag, selectorFlag, allNamespacesFlag,
            .init(
                "field-selector", .one("FIELDS"), help: "only objects with these fields, such as status.phase=Running"),
            .init("watch", short: "w", help: "go on and print what changes"),
            .init("watch-only", help: "print only what changes from now on"),
            .init("show-labels", help: "add a column with all labels"),
            .init("label-columns", short: "L", .many("LABEL"), help: "add a column for a label"),
            .init("show-kind", help: "print names with their kind"),
            .init("no-headers", help: "leave out the line of column names"),
            .init("sort-by", .one("PATH"), help: "sort by a field, such as .metadata.creationTimestamp"),
            .init("ignore-not-found", help: "a name that does not exist is no error"),
            .init("show-managed-fields", help: "keep metadata.managedFields in json and yaml"),
        ],
        notes:
            "Examples: kconsole get pods -A -o wide · kconsole get deploy,svc -l app=web · kconsole get pod/web-1 -o yaml\n"
            + "kconsole get all lists the usual kinds of a namespace.",
        completes: .objects, run: run)

    static let tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard !call.operands.isEmpty else { throw call.usage("get needs a kind, such as pods") }
        let output = try Output(call.arguments["output"])
        let session = try await call.session()
        let known = try await session.resources()
        let selection = try Selection(call.operands, known)
        if output.isTable { return try await TableListing(call, session, output, selection).run() }
        if call.arguments.has("watch") || call.arguments.has("watch-only") {
            throw call.usage("--watch prints tables; leave out --output")
        }
        return try await printObjects(call, session, output, selection)
    }

    private static func printObjects(
        _ call: Invocation, _ session: Session, _ output: Output, _ selection: Selection
    ) async throws -> Int32 {
        var code: Int32 = 0
        var objects: [JSON] = []
        for entry in selection.entries {
            do { objects += try await session.objects(entry, call.arguments) } catch let status as Status {
                if status.reason == .notFound, call.arguments.has("ignore-not-found") { continue }
                call.remark(ErrorText.sentence(status))
                code = 1
            }
        }
        if let path = call.arguments["sort-by"] {
            let path = try JSONPath(path: path)
            objects = objects.map { ($0, path.values($0).first.map(JSONPath.plain) ?? "") }
                .enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }.map(\.element.0)
        }
        if code != 0, objects.isEmpty { return code }
        let isSingle = selection.entries.count == 1 && selection.entries[0].names.count == 1
        call.write(
            output.text(
                objects, isSingle: isSingle, resources: try await session.resources(),
                keepsManagedFields: call.arguments.has("show-managed-fields")))
        return code
    }
}

/// The form in which objects are printed. Pure.
enum Output: Sendable {
    case table, wide, json, yaml, name
    case path(JSONPath)
    /// What the paths find, as lists of JSON.
    case pathJSON(JSONPath)
    case columns([(header: String, path: JSONPath)])

    var isTable: Bool {
        switch self {
        case .table, .wide: true
        default: false
        }
    }

    /// A path may ask for what is left out for readers.
    private var isPath: Bool {
        switch self {
        case .path, .pathJSON, .columns: true
        default: false
        }
    }

    /// - Throws: `UsageError` for an unknown form; `Failure` for a path that can not be read.
    init(_ text: String?) throws {
        switch text {
        case nil, "": self = .table
        case "wide": self = .wide
        case "json": self = .json
        case "yaml": self = .yaml
        case "name": self = .name
        case let text? where text.hasPrefix("jsonpath="): self = .path(try JSONPath(String(text.dropFirst(9))))
        case let text? where text.hasPrefix("jsonpath-as-json="):
            self = .pathJSON(try JSONPath(String(text.dropFirst("jsonpath-as-json=".count))))
        case let text? where text.hasPrefix("custom-columns="):
            self = .columns(
                try text.dropFirst("custom-columns=".count).split(separator: ",").map { column in
                    let parts = column.split(separator: ":", maxSplits: 1).map(String.init)
                    guard parts.count == 2 else {
                        throw UsageError(
                            "custom-columns takes HEADER:PATH,… such as NAME:.metadata.name, not \"\(column)\"")
                    }
                    return (parts[0], try JSONPath(path: parts[1]))
                })
        case let text?:
            throw UsageError(
                "--output takes wide, json, yaml, name, jsonpath=…, jsonpath-as-json=… or custom-columns=…, not \"\(text)\""
            )
        }
    }

    /// - Parameter isSingle: one object was asked for by name: it stands alone; others stand in a List.
    func text(_ objects: [JSON], isSingle: Bool, resources: ServedResources, keepsManagedFields: Bool = false) -> String
    {
        let objects = keepsManagedFields || isPath ? objects : objects.map(\.withoutManagedFields)
        if isSingle, objects.isEmpty { return "" }
        let list: JSON =
            isSingle
            ? objects[0]
            : ["apiVersion": "v1", "items": .array(objects), "kind": "List", "metadata": ["resourceVersion": ""]]
        switch self {
        case .table, .wide: return ""
        case .json: return list.sorted.pretty() + "\n"
        case .yaml: return YAML.emit(list.sorted)
        case .name:
            return objects.map { json in
                let object = Object(json)
                let resource = resources.find(kind: object.kind, apiVersion: object.apiVersion)
                return "\(resource?.title ?? object.kind.lowercased())/\(object.name)\n"
            }.joined()
        case .path(let path): return path.text(list)
        case .pathJSON(let path): return path.lists(list)
        case .columns(let columns):
            var table = TextTable(header: columns.map(\.header))
            for object in objects {
                table.add(
                    columns.map { column in
                        let values = column.path.values(object)
                        return values.isEmpty
                            ? "<none>" : SafeLine.clean(values.map(JSONPath.plain).joined(separator: ","))
                    })
            }
            return table.text
        }
    }
}
