import Shared

/// `kconsole events`: what happened, oldest first.
enum EventsCommand {
    static let verb = Verb(
        "events", "List what happened, oldest first.",
        flags: [
            GetCommand.allNamespacesFlag,
            .init("for", .one("KIND/NAME"), help: "only about this object"),
            .init("types", .one("TYPES"), help: "only these types, such as Warning"),
            .init("watch", short: "w", help: "go on with what happens from now on"),
            .init("no-headers", help: "leave out the line of column names"),
            GetCommand.outputFlag,
        ], run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        let output = try Output(call.arguments["output"])
        let isEverywhere = call.arguments.has("all-namespaces")
        var query = Query()
        if let operand = call.arguments["for"] {
            guard operand.contains("/"),
                let entry = try Selection([operand], try await session.resources()).entries.first,
                let name = entry.names.first
            else { throw call.usage("--for takes KIND/NAME, such as pod/web") }
            query.add("fieldSelector", "involvedObject.kind=\(entry.resource.type.kind),involvedObject.name=\(name)")
        }
        let types = call.arguments["types"].map { Set($0.split(separator: ",").map { $0.lowercased() }) }
        func isWanted(_ event: JSON) -> Bool { types?.contains((event["type"].string ?? "").lowercased()) ?? true }
        let path = Event.type.path(namespace: isEverywhere ? "" : session.namespace)
        let page = try await session.client.call("GET", path, query: query)
        let events = page["items"].items.filter(isWanted).sorted { EventText.last($0) < EventText.last($1) }
        if !output.isTable {
            let typed = events.map { event -> JSON in
                var event = event
                event["kind"] = "Event"
                event["apiVersion"] = "v1"
                return event
            }
            call.write(output.text(typed, isSingle: false, resources: try await session.resources()))
            return 0
        }
        let isWatch = call.arguments.has("watch")
        if events.isEmpty, !isWatch {
            call.remark(isEverywhere ? "No events found." : "No events found in \(session.namespace) namespace.")
            return 0
        }
        var table = EventsTable.empty(isEverywhere: isEverywhere, hasHeader: !call.arguments.has("no-headers"))
        for event in events { table.add(EventsTable.cells(event, isEverywhere: isEverywhere, now: call.clock.now())) }
        call.write(table.text)
        guard isWatch else { return 0 }
        var revision = page["metadata"]["resourceVersion"].string ?? "0"
        while true {
            var watch = query
            watch.add("watch", "true")
            watch.add("allowWatchBookmarks", "true")
            watch.add("resourceVersion", revision)
            let answer = try await session.client.transport.stream(session.client.request("GET", path, query: watch))
            defer { answer.body.close() }
            guard answer.status == 200 else { throw try await Session.refusal(answer) }
            var cutter = LineCutter()
            while let piece = try await answer.body.next() {
                for line in try cutter.lines(adding: piece) {
                    switch try WatchEvent(line: line) {
                    case .added(let event), .modified(let event):
                        revision = event["metadata"]["resourceVersion"].string ?? revision
                        guard isWanted(event) else { continue }
                        let cells = EventsTable.cells(event, isEverywhere: isEverywhere, now: call.clock.now())
                        table.add(cells)
                        call.write(table.line(cells))
                    case .deleted(let event), .bookmark(let event):
                        revision = event["metadata"]["resourceVersion"].string ?? revision
                    case .failed(let status): throw status
                    }
                }
            }
        }
    }
}

/// The columns of `events`. Pure.
enum EventsTable {
    static func empty(isEverywhere: Bool, hasHeader: Bool) -> TextTable {
        let header = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
        return TextTable(header: hasHeader ? (isEverywhere ? ["NAMESPACE"] : []) + header : [])
    }

    static func cells(_ event: JSON, isEverywhere: Bool, now: Timestamp) -> [String] {
        let involved = event["involvedObject"]
        let cells = [
            EventText.interval(event, now: now), event["type"].string ?? "", event["reason"].string ?? "",
            "\(involved["kind"].string ?? "")/\(involved["name"].string ?? "")", EventText.message(event),
        ].map { SafeLine.clean($0) }
        return isEverywhere ? [SafeLine.clean(Object(event).namespace)] + cells : cells
    }
}
