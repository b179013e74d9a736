import Shared

/// Lists kinds as tables that the server makes, and goes on with what changes.
struct TableListing {
    private let call: Invocation
    private let session: Session
    private let output: Output
    private let selection: Selection

    init(_ call: Invocation, _ session: Session, _ output: Output, _ selection: Selection) {
        self.call = call
        self.session = session
        self.output = output
        self.selection = selection
    }

    private var arguments: Arguments { call.arguments }
    private var isEverywhere: Bool { arguments.has("all-namespaces") }

    func run() async throws -> Int32 {
        let isWatch = arguments.has("watch") || arguments.has("watch-only")
        if isWatch, selection.entries.count != 1 || selection.entries[0].names.count > 1 {
            throw call.usage("--watch follows one kind or one object")
        }
        var code: Int32 = 0
        var isFirst = true
        var isAnything = false
        for entry in selection.entries {
            let (table, revision, isFound) = try await read(entry, &code)
            if let table, !arguments.has("watch-only"), !table.rows.isEmpty {
                if !isFirst { call.out("") }
                let text = layout(table, entry)
                call.write(text.text)
                isFirst = false
                isAnything = true
                if isWatch { try await watch(entry, after: revision, columns: table, widths: text) }
            } else if isWatch, let table {
                try await watch(entry, after: revision, columns: table, widths: nil)
            }
            isAnything = isAnything || !isFound
        }
        if !isAnything, code == 0, !isWatch { sayNothing() }
        return code
    }

    private func sayNothing() {
        if arguments.has("ignore-not-found") { return }
        let isNamespaced = selection.entries.contains { $0.resource.type.isNamespaced }
        call.remark(
            isNamespaced && !isEverywhere
                ? "No resources found in \(session.namespace) namespace." : "No resources found")
    }

    /// The rows of one kind. A refusal is printed and sets the exit code.
    private func read(_ entry: Selection.Entry, _ code: inout Int32) async throws -> (
        ServerTable?, Revision, isFound: Bool
    ) {
        var whole: ServerTable?
        var revision = Revision.zero
        var isFound = true
        for name in entry.names.isEmpty ? [nil] : entry.names.map(Optional.some) {
            do {
                var token: String?
                repeat {
                    var query = try session.query(arguments)
                    if name == nil { query.add("limit", String(Limits.listPageObjects)) } else { query = Query() }
                    if let token { query.add("continue", token) }
                    query.add("includeObject", arguments.isGiven("sort-by") ? "Object" : "Metadata")
                    let json = try await session.client.call(
                        "GET", entry.resource.path(isEverywhere ? "" : session.namespace, name), query: query,
                        accept: GetCommand.tableAccept)
                    token = json["metadata"]["continue"].string.flatMap { $0.isEmpty ? nil : $0 }
                    revision = json["metadata"]["resourceVersion"].string.flatMap { Revision($0) } ?? revision
                    guard let table = ServerTable(json, now: call.clock.now()) else { continue }
                    if whole == nil { whole = table } else { whole?.append(table) }
                } while token != nil
            } catch let status as Status {
                if status.reason == .notFound, name != nil, arguments.has("ignore-not-found") { continue }
                call.remark(ErrorText.sentence(status))
                code = 1
                isFound = false
            }
        }
        if let path = arguments["sort-by"] { whole?.sort(by: try JSONPath(path: path)) }
        return (whole, revision, isFound)
    }

    private func layout(_ table: ServerTable, _ entry: Selection.Entry) -> TextTable {
        var columns: ServerTable.Columns = []
        if case .wide = output { columns.insert(.wide) }
        if isEverywhere, entry.resource.type.isNamespaced { columns.insert(.namespace) }
        if arguments.has("show-labels") { columns.insert(.labels) }
        let isPrefixed = selection.isMixed || arguments.has("show-kind")
        return table.table(
            columns, prefix: isPrefixed ? entry.resource.title + "/" : "",
            labelColumns: arguments.all("label-columns").flatMap { $0.split(separator: ",").map(String.init) },
            hasHeader: !arguments.has("no-headers"))
    }

    /// Prints a line for every change until the user ends it. A watch that the server ends is opened again where it ended.
    private func watch(_ entry: Selection.Entry, after start: Revision, columns: ServerTable, widths: TextTable?)
        async throws
    {
        var revision = start
        var widths = widths
        var columns = columns
        while true {
            var query = try session.query(arguments)
            if let name = entry.names.first { query.add("fieldSelector", "metadata.name=\(name)") }
            query.add("watch", "true")
            query.add("allowWatchBookmarks", "true")
            if revision > .zero { query.add("resourceVersion", revision.description) }
            query.add("includeObject", "Metadata")
            let path = entry.resource.path(isEverywhere ? "" : session.namespace)
            let answer = try await session.client.transport.stream(
                session.client.request("GET", path, query: query, accept: GetCommand.tableAccept))
            defer { answer.body.close() }
            guard answer.status == 200 else { throw try await Session.refusal(answer) }
            var cutter = LineCutter()
            while let piece = try await answer.body.next() {
                for line in try cutter.lines(adding: piece) {
                    let json: JSON
                    switch try WatchEvent(line: line) {
                    case .added(let object), .modified(let object), .deleted(let object): json = object
                    case .bookmark(let object):
                        revision = ServerTable.revision(of: object) ?? revision
                        continue
                    case .failed(let status): throw status
                    }
                    revision = ServerTable.revision(of: json) ?? revision
                    guard var table = ServerTable(json, now: call.clock.now()) else { continue }
                    table.useColumns(of: columns)
                    columns = table
                    var text = layout(table, entry)
                    if let widths { text.keepWidths(of: widths) }
                    call.write(widths == nil ? text.text : text.rows.map { text.line($0) }.joined())
                    widths = text
                }
            }
        }
    }
}

extension ServerTable {
    /// The revision that a watch event brings: of the object in its first row, or of the object itself.
    static func revision(of json: JSON) -> Revision? {
        let rows = json["rows"].items
        let object = rows.last?["object"] ?? json
        return (object.at("metadata", "resourceVersion").string ?? json.at("metadata", "resourceVersion").string)
            .flatMap { Revision($0) }
    }
}
